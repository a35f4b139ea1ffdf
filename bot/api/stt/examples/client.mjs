// Transcribes a recording by WS /stt/stream; client.py also goes on when the connection is lost.
//
//   npm install ws
//   node client.mjs FILE [URL] [NAME=VALUE …]
//   node client.mjs hello.wav http://127.0.0.1:8080 language=en-US
//
// FILE may be WAV, Ogg, WebM, FLAC or MP3; any other is bare samples, of which encoding=… and
// sample_rate=… say what they are. The values are parameters of the service, as its
// /stt/asyncapi.json describes them; a key is read from STT_KEY.

import { readFileSync } from "node:fs";
import WebSocket from "ws";

const PIECE_BYTES = 4096;
const FULL_BYTES = 64 * 1024; // so much may wait to be sent

const [file, url = "http://127.0.0.1:8080", ...pairs] = process.argv.slice(2);
const address = new URL("/stt/stream", url.replace(/^http/, "ws"));
address.searchParams.set("encoding", "auto");
for (const pair of pairs) {
  const [name, ...value] = pair.split("=");
  address.searchParams.set(name, value.join("="));
}
const key = process.env.STT_KEY;
const socket = new WebSocket(address, { headers: key ? { Authorization: `Bearer ${key}` } : {} });

socket.on("message", (data) => {
  const message = JSON.parse(data);
  if (message.type === "session_started") {
    speak(readFileSync(file));
  } else if (message.type === "transcription" && message.is_final) {
    console.log(message.text);
  } else if (message.type === "transcription") {
    console.error(`… ${message.text}`);
  } else if (message.type === "error") {
    fail(message);
  }
});
socket.on("close", (code, reason) => {
  if (code !== 1000) fail({ code, error: `the connection was closed: ${reason}` });
});
socket.on("error", (error) => fail({ code: error.code, error: error.message }));

async function speak(audio) {
  for (let at = 0; at < audio.length; at += PIECE_BYTES) {
    socket.send(audio.subarray(at, at + PIECE_BYTES));
    // The service takes what is spoken about as fast as that.
    while (socket.bufferedAmount > FULL_BYTES && socket.readyState === WebSocket.OPEN) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  socket.send(JSON.stringify({ type: "close" })); // session_ended follows when all is told
}

function fail({ code, error, allowed }) {
  console.error(`${code}: ${error}`, allowed ? JSON.stringify(allowed) : "");
  process.exitCode = 1;
}
