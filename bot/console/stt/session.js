// A session of WS /stt/stream, which goes on over another connection when one is lost.

const RESUMABLE = [1006, 1011, 1012, 1013];
const WAITS_MS = [0, 500, 1000, 2000, 4000, 8000, 8000];
const PATIENCE_MS = 30_000; // longer than this nobody waits before a microphone: a quota, say
const QUIET_MS = 10_000; // so long nothing comes before the service is asked whether it is there
const TOLD_MS = 2000; // so long it waits, at the end, until all is told
const FULL_BYTES = 1 << 20; // so much waits to be sent only when nothing gets through

export class Session {
  // source: a microphone; see microphone.js
  // listener: has started(message), transcribed(message), wrong(message), waiting() and
  //   over(message): session_ended, or null when it has ended otherwise
  constructor(address, parameters, key, source, listener) {
    this.address = address;
    this.parameters = parameters;
    this.protocols = key ? ["parley.stt.v1", `parley.auth.${key}`] : ["parley.stt.v1"];
    this.source = source;
    this.listener = listener;
    this.id = null;
    this.sequence = 0;
    this.tries = 0;
    this.open = false; // audio may be sent
    this.stopped = null; // when all audio is there
    this.told = false; // all that was said
    this.ended = false;
    source.onaudio = (audio) => this.send(audio);
    this.connect();
  }

  async stop() {
    if (this.stopped || this.ended) return;
    this.stopped = this.source.stop();
    await this.stopped;
    if (this.open) this.finish(this.socket);
  }

  connect() {
    const address = new URL(this.address);
    for (const [name, value] of Object.entries(this.parameters)) {
      address.searchParams.set(name, value);
    }
    if (this.id) {
      address.searchParams.set("session_id", this.id);
      address.searchParams.set("after", this.sequence);
    }
    const socket = new WebSocket(address, this.protocols);
    this.socket = socket;
    this.refusal = null;
    socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.closed(code);
    this.watch();
  }

  send(audio) {
    if (!this.open) return; // it is sent when there is a connection again
    if (this.socket.bufferedAmount > FULL_BYTES) {
      this.abandon();
    } else {
      this.socket.send(audio);
    }
  }

  say(message) {
    this.socket.send(JSON.stringify(message));
  }

  finish(socket) {
    if (socket !== this.socket || socket.finished) return;
    socket.finished = true;
    // A session that was closed cannot be resumed: all that was said is to be told before.
    this.say({ type: "finalize" });
    setTimeout(() => this.close(socket), TOLD_MS);
  }

  close(socket) {
    if (socket !== this.socket || !this.open) return;
    this.open = false;
    this.say({ type: "close" });
  }

  hear(message) {
    this.watch();
    if (message.type === "session_started") {
      this.begin(message);
    } else if (message.type === "transcription") {
      this.sequence = message.sequence;
      this.listener.transcribed(message);
    } else if (message.type === "finalized") {
      this.told = true;
      this.close(this.socket);
    } else if (message.type === "error") {
      this.refusal = message;
      this.listener.wrong(message);
    } else if (message.type === "session_ended") {
      this.end(message);
    }
  }

  begin(message) {
    this.id = message.session_id;
    this.tries = 0;
    this.open = true;
    for (const audio of this.source.again(message.audio_ms)) this.socket.send(audio);
    this.listener.started(message);
    const socket = this.socket;
    this.stopped?.then(() => this.open && this.finish(socket));
  }

  watch() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.open) this.say({ type: "keepalive" });
      this.timer = setTimeout(() => this.abandon(), QUIET_MS);
    }, QUIET_MS);
  }

  abandon() {
    // Closing waits for the other side, of which nothing was heard.
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
    this.closed(1006);
  }

  closed(code) {
    clearTimeout(this.timer);
    this.open = false;
    if (this.ended) return;
    if (this.told) {
      this.end(null);
      return;
    }
    const advised = (this.refusal?.retry_after_s ?? 0) * 1000;
    const hopeless = advised > PATIENCE_MS || this.tries === WAITS_MS.length;
    if (!this.id || !RESUMABLE.includes(code) || hopeless) {
      if (!this.refusal) this.listener.wrong({ code, error: "there is no connection" });
      this.end(null);
      return;
    }
    this.source.lost();
    this.listener.waiting();
    setTimeout(() => this.connect(), Math.max(WAITS_MS[this.tries], advised));
    this.tries += 1;
  }

  end(message) {
    this.ended = true;
    this.open = false;
    clearTimeout(this.timer);
    this.stopped ??= this.source.stop();
    this.listener.over(message);
  }
}
