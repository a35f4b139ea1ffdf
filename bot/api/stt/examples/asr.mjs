// A plain client of WS /ws/asr-stream: a configuration, audio as it is spoken, and then it waits.
//
//   npm install ws
//   node asr.mjs FILE.wav [URL] [NAME=VALUE …]
//   node asr.mjs hello.wav http://127.0.0.1:8080 language_code=en-US
//
// FILE is a 16-bit WAV with one channel and a head of 44 bytes. A key is read from STT_KEY.

import { readFileSync } from "node:fs";
import WebSocket from "ws";

const PIECE_MS = 100;

const [file, url = "http://127.0.0.1:8080", ...pairs] = process.argv.slice(2);
const wav = readFileSync(file);
const rate_hz = wav.readUInt32LE(24);
const key = process.env.STT_KEY;
const socket = new WebSocket(new URL("/ws/asr-stream", url.replace(/^http/, "ws")), {
  headers: key ? { Authorization: `Bearer ${key}` } : {},
});

socket.on("open", () => {
  const config = { language_code: "en-US", sample_rate_hertz: rate_hz, encoding: "LINEAR16" };
  for (const pair of pairs) {
    const [name, ...value] = pair.split("=");
    config[name] = value.join("=");
  }
  socket.send(JSON.stringify(config));
});
socket.on("message", (data) => {
  const message = JSON.parse(data);
  if (message.type === "metadata" && message.status === "ready") {
    speak(wav.subarray(44));
  } else if (message.type === "transcript" && message.is_final) {
    console.log(message.text);
  } else if (message.type === "complete") {
    socket.close();
  } else if (message.type === "error") {
    fail(message.detail);
  }
});
socket.on("error", (error) => fail(error.message));

async function speak(audio) {
  const size = (rate_hz * 2 * PIECE_MS) / 1000;
  for (let at = 0; at < audio.length; at += size) {
    socket.send(audio.subarray(at, at + size));
    await new Promise((resolve) => setTimeout(resolve, PIECE_MS));
  }
}

function fail(text) {
  console.error(text);
  process.exitCode = 1;
  socket.close();
}
