// What a page would do at the doors of the service that the page of the console does not use, as the
// descriptions of the service say it. Each gives the finals of what the microphone hears in so long.

async function microphone() {
  const { openMicrophone } = await import("/console/stt/microphone.js");
  return openMicrophone("samples");
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// WS /ws/asr-stream, by one that sends no end and only waits for `complete`.
async function asrStream(ms, config) {
  const source = await microphone();
  const socket = new WebSocket(new URL("/ws/asr-stream", location.href.replace(/^http/, "ws")));
  const finals = [];
  const complete = new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "metadata") {
        for (const audio of source.again(0)) socket.send(audio);
        source.onaudio = (audio) => socket.send(audio);
      }
      if (message.type === "transcript" && message.is_final) finals.push(message.text);
      if (message.type === "complete") resolve();
      if (message.type === "error") reject(new Error(message.detail));
    };
    socket.onclose = () => reject(new Error("closed"));
  });
  socket.onopen = () => {
    const heard = { encoding: "LINEAR16", sample_rate_hertz: source.parameters.sample_rate };
    socket.send(JSON.stringify({ language_code: "en-US", ...heard, ...config }));
  };
  await pause(ms);
  await source.stop();
  await complete;
  return finals;
}

// POST /stt/stream-chunk
async function streamChunk(ms, parameters) {
  const source = await microphone();
  const finals = [];
  let waiting = [];
  let fields = { ...source.parameters, ...parameters };
  source.onaudio = (audio) => waiting.push(audio);
  const until = performance.now() + ms;
  for (let index = 0, last = false; !last; index += 1) {
    await pause(500);
    last = performance.now() >= until;
    if (last) await source.stop();
    const form = new FormData();
    const all = { ...fields, chunk_index: index, is_final_chunk: last };
    for (const [name, value] of Object.entries(all)) form.append(name, value);
    form.append("audio_chunk", new Blob(waiting));
    waiting = [];
    const response = await fetch("/stt/stream-chunk", { method: "POST", body: form });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    fields = { session_id: answer.session_id };
    finals.push(...answer.results.filter((one) => one.is_final).map((one) => one.text));
  }
  return finals;
}
