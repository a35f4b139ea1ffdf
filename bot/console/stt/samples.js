// In the audio thread: gathers a microphone's samples, as 16-bit integers, a tenth of a second at a
// time. When it is told to stop, it gives the rest, and then null.

const PIECES_A_SECOND = 10;

class Samples extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Int16Array(Math.round(sampleRate / PIECES_A_SECOND));
    this.count = 0;
    this.over = false;
    this.port.onmessage = () => {
      this.over = true;
      this.give(this.piece.slice(0, this.count));
      this.port.postMessage(null);
    };
  }

  process([channels]) {
    for (let at = 0; at < (channels[0]?.length ?? 0) && !this.over; at += 1) {
      const sum = channels.reduce((total, channel) => total + channel[at], 0);
      const level = Math.max(-1, Math.min(1, sum / channels.length));
      this.piece[this.count] = Math.round(level * 32767);
      this.count += 1;
      if (this.count === this.piece.length) {
        this.give(this.piece.slice());
        this.count = 0;
      }
    }
    return !this.over;
  }

  give(piece) {
    if (!piece.length) return;
    this.port.postMessage(piece.buffer, [piece.buffer]);
  }
}

registerProcessor("samples", Samples);
