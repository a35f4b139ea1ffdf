// The two ways in which a browser gives the sound of a microphone. Each has
//   parameters   what the service has to know of the audio
//   onaudio      is called with each piece of it
//   lost()       the service gets nothing for now
//   again(ms)    what it has to get when it goes on at that place in the session's audio
//   stop()       ends the audio; resolves when all of it was given

const KEPT_MS = 60_000;
const PIECE_MS = 250;
const RECORDED = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus"];

export async function openMicrophone(way) {
  if (!navigator.mediaDevices) {
    throw new Error("browsers give the microphone to pages of https: and of this machine alone");
  }
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false },
  });
  try {
    return way === "recorder" ? new Recorded(stream) : await Samples.of(stream);
  } catch (error) {
    release(stream);
    throw error;
  }
}

class Samples {
  static async of(stream) {
    const context = new AudioContext();
    try {
      await context.audioWorklet.addModule(new URL("samples.js", import.meta.url));
      await context.resume();
      return new Samples(stream, context);
    } catch (error) {
      await context.close();
      throw error;
    }
  }

  constructor(stream, context) {
    this.parameters = { encoding: "pcm_s16le", sample_rate: context.sampleRate, channels: 1 };
    this.onaudio = () => {};
    this.stream = stream;
    this.context = context;
    this.kept = [];
    this.keptBytes = 0;
    this.droppedBytes = 0;
    this.node = new AudioWorkletNode(context, "samples", { numberOfOutputs: 0 });
    this.node.port.onmessage = ({ data }) => this.take(data);
    context.createMediaStreamSource(stream).connect(this.node);
  }

  take(audio) {
    if (audio === null) {
      this.onstopped();
      return;
    }
    this.kept.push(audio);
    this.keptBytes += audio.byteLength;
    while (this.keptBytes > this.bytes(KEPT_MS)) {
      const oldest = this.kept.shift().byteLength;
      this.keptBytes -= oldest;
      this.droppedBytes += oldest;
    }
    this.onaudio(audio);
  }

  bytes(ms) {
    return 2 * Math.floor((ms * this.context.sampleRate) / 1000);
  }

  lost() {}

  again(fromMs) {
    let skip = Math.max(0, this.bytes(fromMs) - this.droppedBytes);
    const pieces = [];
    for (const piece of this.kept) {
      if (skip < piece.byteLength) pieces.push(piece.slice(skip));
      skip = Math.max(0, skip - piece.byteLength);
    }
    return pieces;
  }

  async stop() {
    const stopped = new Promise((resolve) => {
      this.onstopped = resolve;
    });
    this.node.port.postMessage("stop");
    await stopped;
    release(this.stream);
    await this.context.close();
  }
}

class Recorded {
  constructor(stream) {
    this.type = RECORDED.find((type) => MediaRecorder.isTypeSupported(type));
    if (!this.type) {
      throw new Error("this browser does not record Opus: choose samples");
    }
    this.parameters = { encoding: this.type };
    this.onaudio = () => {};
    this.stream = stream;
    this.missed = []; // what was recorded while the service got nothing
    this.record();
  }

  record() {
    const recorder = new MediaRecorder(this.stream, { mimeType: this.type });
    this.recorder = recorder;
    let given = Promise.resolve(); // each in its turn
    recorder.ondataavailable = ({ data }) => {
      given = given.then(async () => this.take(recorder, await data.arrayBuffer()));
    };
    recorder.onstop = () => given.then(() => recorder === this.recorder && this.onstopped?.());
    recorder.start(PIECE_MS);
  }

  take(recorder, audio) {
    if (recorder !== this.recorder || !audio.byteLength) return; // of before the loss, or nothing
    if (this.missed) {
      this.missed.push(audio);
    } else {
      this.onaudio(audio);
    }
  }

  lost() {
    if (this.missed) return;
    this.missed = [];
    if (this.recorder.state === "inactive") return;
    // A container cannot be taken up in its midst.
    this.recorder.stop();
    this.record();
  }

  again() {
    const missed = this.missed ?? [];
    this.missed = null;
    return missed;
  }

  async stop() {
    if (this.recorder.state !== "inactive") {
      const stopped = new Promise((resolve) => {
        this.onstopped = resolve;
      });
      this.recorder.stop();
      await stopped;
    }
    release(this.stream);
  }
}

function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}
