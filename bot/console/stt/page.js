// The page: what is chosen, what is understood, what goes wrong.

import { openMicrophone } from "./microphone.js";
import { Session } from "./session.js";

const element = (id) => document.getElementById(id);
const address = new URL("../stt/stream", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";

let session = null;

export const listener = {
  started(message) {
    tell(`Listening: ${message.language}, ${message.provider}.`);
    element("error").hidden = true;
  },
  transcribed({ text, is_final: final }) {
    if (final) {
      const line = document.createElement("p");
      line.textContent = text;
      element("finals").append(line);
    }
    element("interim").textContent = final ? "" : text;
    element("interim").scrollIntoView({ block: "nearest" });
  },
  wrong({ code, error, allowed }) {
    const keyless = code === "unauthorized"; // what else is allowed are headers, which no page has
    const choice = allowed && !keyless ? ` Allowed: ${JSON.stringify(allowed)}` : "";
    if (keyless) {
      element("key").closest("details").open = true;
      element("key").focus();
    }
    element("error").textContent = `${error} (${code}).${choice}`;
    element("error").hidden = false;
  },
  waiting() {
    tell("The connection was lost: trying again…");
  },
  over(message) {
    session = null;
    element("interim").textContent = "";
    tell(message ? `Over: ${(message.audio_ms / 1000).toFixed(1)} s of audio.` : "Over.");
    show("Start");
  },
};

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (session) {
    stop();
  } else {
    start();
  }
});

async function start() {
  show("Starting…", false);
  element("error").hidden = true;
  element("finals").replaceChildren();
  try {
    const microphone = await openMicrophone(element("way").value);
    const key = element("key").value.trim();
    const parameters = { ...asked(), ...microphone.parameters };
    session = new Session(address, parameters, key, microphone, listener);
    tell("Connecting…");
    show("Stop");
  } catch (error) {
    session = null;
    listener.wrong({ code: error.name, error: error.message });
    tell("Ready.");
    show("Start");
  }
}

async function stop() {
  show("Stopping…", false);
  tell("Waiting for the last words…");
  await session.stop();
}

function asked() {
  const phrases = element("phrases").value.split("\n").map((line) => line.trim());
  const values = {
    language: element("language").value.trim(),
    provider: element("provider").value.trim(),
    phrases: phrases.filter(Boolean).join("|"),
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

function tell(text) {
  element("status").textContent = text;
}

function show(label, enabled = true) {
  element("start").textContent = label;
  element("start").disabled = !enabled;
}

// Whom the worker has in use; others may be named too.
async function listProviders() {
  const { providers } = await (await fetch(new URL("../health", location.href))).json();
  for (const name of Object.keys(providers.stt)) {
    element("providers").append(new Option(name, name));
  }
}

listProviders().catch(() => {});
