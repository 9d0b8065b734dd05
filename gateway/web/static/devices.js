// What hangs on which wire, and how it is doing.
import { ask } from "./asking.js";
import { Device } from "./device.js";
import { icon, make, setChildren, setIcon, setText } from "./element.js";
import { setState, valueText } from "./look.js";
import { t } from "./text.js";

const AGAIN_MS = 5000;
const LOOKS = { ok: "ok", lost: "fault", left_out: "warn", waiting: "loading" };
const SYMBOLS = { loading: "stale" };

export class Place {
  #grid = make("div", "rows");
  #none = make("p", "empty");
  #own = make("div", "own");
  #one = new Device();
  #rows = new Map();
  #devices = null;
  #asked = -Infinity;

  constructor(node) {
    node.append(this.#grid, this.#none, this.#own, this.#one.node);
  }

  show(state, world) {
    const { points } = state;
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent) this.#ask();
    setText(this.#none, t(this.#devices ? "devices.none" : "verdict.loading"));
    this.#none.hidden = Boolean(this.#devices?.length);
    const about = this.#devices?.find(({ id }) => id === world.subject);
    this.#grid.hidden = Boolean(about);
    this.#own.hidden = this.#one.node.hidden = !about;
    if (about) {
      setChildren(this.#own, [this.#row(about, points, world)]);
      this.#one.show(about, state, world);
      return;
    }
    const rows = (this.#devices ?? []).map((device) => this.#row(device, points, world));
    const faulty = (row) => !["ok", "loading", "offline"].includes(row.dataset.state);
    setChildren(this.#grid, [...rows.filter(faulty), ...rows.filter((row) => !faulty(row))]);
  }

  async #ask() {
    this.#asked = performance.now();
    this.#devices = (await ask("api/v1/devices", AGAIN_MS))?.devices ?? this.#devices;
    dispatchEvent(new Event("redraw"));
  }

  #row(device, points, world) {
    if (!this.#rows.has(device.id)) {
      const text = make("span", "what", make("b"), make("span", "why"), make("span", "why"));
      this.#rows.set(device.id, make("a", "row", icon("ok"), text, make("span", "figure")));
    }
    const row = this.#rows.get(device.id);
    const state = world.silent ? "offline" : LOOKS[device.state];
    setState(row, state);
    setIcon(row.firstChild, SYMBOLS[state] ?? state);
    const [name, wire, values] = row.querySelector(".what").children;
    setText(name, device.label);
    setText(wire, [device.id, device.driver, device.wire].filter(Boolean).join(" · "));
    setText(values, device.trouble ?? valuesOf(device, points));
    setText(row.lastChild, world.silent ? t("state.offline") : t(`device.${device.state}`));
    row.href = `#devices/${device.id}`;
    return row;
  }
}

function valuesOf(device, points) {
  return device.points
    .map((id) => points.get(id))
    .filter((point) => point && point.quality !== "bad" && point.value !== null)
    .map((point) => valueText(point, point.value))
    .join(" · ");
}
