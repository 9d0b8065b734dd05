// Where somebody may control and acknowledge: zones and devices; none named is everywhere.
import { ask } from "./asking.js";
import { make } from "./element.js";
import { Choices } from "./form.js";
import { t } from "./text.js";

const DEADLINE_MS = 6000;

export const reachText = ({ zones, devices }) => [...zones, ...devices].join(", ") || t("people.everywhere");

export class Reach {
  #zones = new Choices(true);
  #devices = new Choices(true);
  #known = null;
  node = make("div", "one", this.#zones.node, this.#devices.node);

  get value() {
    return { zones: [...this.#zones.chosen].sort(), devices: [...this.#devices.chosen].sort() };
  }

  set value({ zones, devices }) {
    [this.#zones.chosen, this.#devices.chosen] = [zones, devices];
  }

  show(points) {
    if (!this.#known) this.#ask();
    const zones = [...new Set([...this.#known, ...points.values()].map(({ zone }) => zone).filter(Boolean))].sort();
    this.#zones.show(t("people.zones"), zones.map((zone) => [zone, zone]));
    const alike = (label) => this.#known.filter((each) => each.label === label).length > 1;
    this.#devices.show(t("people.devices"), this.#known.map(({ id, label }) => [id, alike(label) ? `${label} (${id})` : label || id]));
  }

  async #ask() {
    this.#known = [];
    const answer = await ask("api/v1/devices", DEADLINE_MS);
    this.#known = answer?.devices ?? null;
    dispatchEvent(new Event("redraw"));
  }
}
