// The one stream from the gateway, watched: silence is told, never hidden.
const OFFLINE_MS = 3000;
const REOPEN_MS = 10000;
const RELOAD_MS = 120000;

export class Stream {
  #source;
  #heard = performance.now();
  #opened = performance.now();
  #asking = false;
  #unknown = false;
  #on;

  // `on`: snapshot(data), change(data), silent(milliseconds); called from here on.
  constructor(on) {
    this.#on = on;
    this.#open();
    setInterval(() => this.#watch(), 500);
  }

  #open() {
    this.#source?.close();
    this.#opened = performance.now();
    this.#source = new EventSource("api/v1/live");
    for (const name of ["snapshot", "change"]) {
      this.#source.addEventListener(name, (event) => {
        this.#heard = performance.now();
        this.#on[name](JSON.parse(event.data));
      });
    }
  }

  #watch() {
    const now = performance.now();
    const silent = now - this.#heard;
    this.#on.silent(silent < OFFLINE_MS ? 0 : silent);
    if (silent < OFFLINE_MS) return;
    const closed = this.#source.readyState === EventSource.CLOSED;
    if (now - this.#opened > (closed ? OFFLINE_MS : REOPEN_MS)) this.#recover(silent);
  }

  // A reload while the gateway is away would leave the browser's own error page on the wall.
  async #recover(silent) {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const answer = await fetch("api/v1/session", { signal: AbortSignal.timeout(OFFLINE_MS) });
      const unknown = answer.status === 401;
      // A gateway that has just started may not know its sessions yet: it is asked twice.
      if (unknown && this.#unknown) location.assign("login");
      else if (answer.ok && silent > RELOAD_MS) location.reload();
      else this.#open();
      this.#unknown = unknown;
    } catch {
      this.#open();
    } finally {
      this.#asking = false;
    }
  }
}
