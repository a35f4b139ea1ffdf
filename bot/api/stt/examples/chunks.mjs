// Transcribes a recording by HTTP alone: POST /stt/stream-chunk. It needs Node 20 and nothing else.
//
//   node chunks.mjs FILE [URL] [NAME=VALUE …]
//
// FILE may be WAV, Ogg, WebM, FLAC or MP3; any other is bare samples, of which encoding=… and
// sample_rate=… say what they are. The values are parameters of the service, as its
// /stt/openapi.json describes them; a key is read from STT_KEY.

import { readFileSync } from "node:fs";

const CHUNK_BYTES = 32_000;
const TRIES = 8;
const LATER = [408, 429, 502, 503]; // answered so, a chunk may be sent again a little later

const [file, url = "http://127.0.0.1:8080", ...pairs] = process.argv.slice(2);
const key = process.env.STT_KEY;
const headers = key ? { Authorization: `Bearer ${key}` } : {};
const audio = readFileSync(file);
let fields = { encoding: "auto", ...Object.fromEntries(pairs.map(split)) };

for (let at = 0, index = 0; at < audio.length; at += CHUNK_BYTES, index += 1) {
  const last = at + CHUNK_BYTES >= audio.length;
  const answer = await post(audio.subarray(at, at + CHUNK_BYTES), {
    ...fields,
    chunk_index: index,
    is_final_chunk: last,
  });
  fields = { session_id: answer.session_id };
  for (const result of answer.results) {
    if (result.is_final) console.log(result.text);
  }
}

async function post(chunk, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("audio_chunk", new Blob([chunk]));
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(new URL("/stt/stream-chunk", url), {
      method: "POST",
      headers,
      body: form,
    });
    const answer = await response.json();
    if (response.ok) return answer;
    if (!LATER.includes(response.status) || attempt === TRIES) {
      console.error(`${answer.code}: ${answer.error}`);
      process.exit(1);
    }
    const wait_s = Number(response.headers.get("retry-after") ?? 1);
    await new Promise((resolve) => setTimeout(resolve, wait_s * 1000));
  }
}

function split(pair) {
  const [name, ...value] = pair.split("=");
  return [name, value.join("=")];
}
