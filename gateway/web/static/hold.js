// A button that is held for a second; a key or a screen reader, which cannot, presses it twice.
const HOLD_MS = 1000;
const SURE_MS = 5000;

export class Hold {
  #button;
  #act;
  #dangerous;
  #timer = 0;
  #armed = -Infinity;
  #done = false;

  // `act()` is done at once unless `dangerous()` says that a second thought is wanted.
  constructor(button, dangerous, act) {
    [this.#button, this.#dangerous, this.#act] = [button, dangerous, act];
    button.addEventListener("pointerdown", () => this.#begin());
    for (const name of ["pointerup", "pointerleave", "pointercancel"]) button.addEventListener(name, () => this.#end());
    button.addEventListener("click", (event) => this.#click(event));
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  // What it should say: nothing special, to be held, or to be pressed again.
  get wants() {
    if (performance.now() - this.#armed > SURE_MS) return "";
    return this.#button.dataset.pressed ?? "";
  }

  #begin() {
    this.#done = false;
    if (!this.#dangerous() || this.#button.disabled) return;
    this.#button.dataset.holding = "true";
    this.#timer = setTimeout(() => {
      this.#done = true;
      this.#end();
      this.#fire();
    }, HOLD_MS);
  }

  #end() {
    clearTimeout(this.#timer);
    delete this.#button.dataset.holding;
  }

  #click(event) {
    if (this.#done) {
      this.#done = false;
      return;
    }
    const byKey = event.detail === 0;
    if (!this.#dangerous() || (byKey && this.wants === "sure")) {
      this.#fire();
      return;
    }
    this.#armed = performance.now();
    this.#button.dataset.pressed = byKey ? "sure" : "hold";
    dispatchEvent(new Event("redraw"));
  }

  #fire() {
    this.#armed = -Infinity;
    this.#act();
  }
}
