// The page's own sounds, a second channel beside the kitchen's siren; a touch unlocks them.
const STEP_S = 0.18;
// Notes as [start in steps, pitch in Hz]; each sound differs in rhythm, not only in pitch.
const SOUNDS = {
  life: { every: 1500, notes: [[0, 880], [2, 660], [4, 880], [6, 660]] },
  alarm: { every: 10000, notes: [[0, 740], [2, 740]] },
  timer: { every: 2000, later: 30000, notes: [[0, 523], [1, 659], [2, 784]] },
};
const SOON_MS = 60000;

export class Sound {
  #context = null;
  #since = new Map();
  #played = new Map();

  constructor() {
    for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => this.#unlock(), { capture: true });
  }

  get locked() {
    return this.#context?.state !== "running";
  }

  // What calls for a person now: any of "life", "alarm", "timer"; the worst is heard.
  want(names) {
    const now = performance.now();
    for (const name of [...this.#since.keys()]) if (!names.has(name)) this.#since.delete(name);
    for (const name of names) if (!this.#since.has(name)) this.#since.set(name, now);
    const name = Object.keys(SOUNDS).find((each) => names.has(each));
    if (!name || this.locked) return;
    const { every, later = every } = SOUNDS[name];
    const pause = now - this.#since.get(name) < SOON_MS ? every : later;
    if (now - (this.#played.get(name) ?? -Infinity) < pause) return;
    this.#played.set(name, now);
    for (const note of SOUNDS[name].notes) this.#play(...note);
  }

  #play(step, pitch) {
    const at = this.#context.currentTime + step * STEP_S;
    const [tone, volume] = [this.#context.createOscillator(), this.#context.createGain()];
    tone.type = "square";
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, at);
    volume.gain.linearRampToValueAtTime(0, at + STEP_S);
    tone.connect(volume).connect(this.#context.destination);
    tone.start(at);
    tone.stop(at + STEP_S);
  }

  // A browser lets a page be heard only once somebody has touched it.
  #unlock() {
    try {
      this.#context ??= new AudioContext();
      if (this.#context.state === "suspended") this.#context.resume();
    } catch {
      this.#context = null; // a machine without sound
    }
  }
}
