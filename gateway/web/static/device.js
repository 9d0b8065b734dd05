// One device: its settings, what was counted, its points beside what was read, and a reading now.
import { ask, write } from "./asking.js";
import { make, plainButton, setChildren, setText } from "./element.js";
import { fullName, valueText } from "./look.js";
import { covers, reaches } from "./rights.js";
import { fillTable } from "./series.js";
import { count, limit, t, withUnit } from "./text.js";

const AGAIN_MS = 5000;
const READ_MS = 15000;

export class Device {
  #read = plainButton(() => this.#now());
  #said = make("p", "said");
  #note = make("p", "empty");
  #points = make("div", "rows");
  #tables = make("div", "one");
  #id = "";
  #found = null;
  #asked = -Infinity;
  #shape = "";
  node = make("div", "one", this.#read, this.#said, this.#note, this.#points, this.#tables);

  constructor() {
    this.#said.ariaLive = "polite";
  }

  show(device, { points, session }, world) {
    if (device.id !== this.#id) this.#begin(device.id);
    const theirs = reaches(session, device.id, device.zone);
    const shown = theirs && device.state !== "left_out";
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent && shown) this.#ask();
    this.#read.hidden = device.role !== "polled" || !theirs || !covers(session?.role, "staff");
    this.#read.disabled = world.silent > 0;
    setText(this.#read, t("device.read"));
    this.#note.hidden = Boolean(this.#found) || !shown;
    setText(this.#note, t("verdict.loading"));
    const shape = JSON.stringify([this.#found, device.points.map((id) => points.get(id)), t("locale")]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    setChildren(this.#points, device.points.map((id) => points.get(id)).filter(Boolean).map(pointOf));
    setChildren(this.#tables, this.#found ? tablesOf(this.#found, points) : []);
  }

  #begin(id) {
    [this.#id, this.#found, this.#asked] = [id, null, -Infinity];
    setText(this.#said, "");
  }

  async #ask() {
    this.#asked = performance.now();
    const id = this.#id;
    const found = await ask(`api/v1/devices/${encodeURIComponent(id)}`, AGAIN_MS);
    if (id === this.#id) this.#found = found ?? this.#found;
    dispatchEvent(new Event("redraw"));
  }

  async #now() {
    const id = this.#id;
    setText(this.#said, t("banner.sending"));
    const { ok, told } = await write("POST", `api/v1/devices/${encodeURIComponent(id)}/read`, null, READ_MS);
    if (id !== this.#id) return;
    setText(this.#said, ok ? told.points.map(cameOf).join(" · ") : (told?.detail ?? t("banner.again")));
    this.#asked = -Infinity;
  }
}

// What came, or why nothing did; beside it what the driver read.
function cameOf(point) {
  const value = point.quality === "bad" || point.value === null ? t(`reason.${point.reason}`) : valueText(point, point.value);
  return [fullName(point), value, rawOf(point)].filter(Boolean).join(" ");
}

function rawOf({ raw }) {
  const text = typeof raw === "number" ? count(raw) : raw;
  return raw === null ? "" : t("point.raw", { value: text });
}

function pointOf(point) {
  const row = make("a", "row", make("span", "what", make("b", "", fullName(point)), make("span", "why", rawOf(point))));
  row.href = `#point/${point.id}`;
  const known = point.quality !== "bad" && point.value !== null;
  row.append(make("span", "figure", known ? valueText(point, point.value) : t(`reason.${point.reason}`)));
  return row;
}

function tablesOf({ settings, points, counts, last_trouble: last }, shown) {
  const nameOf = (id) => (shown.has(id) ? fullName(shown.get(id)) : id);
  const counted = counts.map(({ name, count: n }) => [t(`device.count.${name}`), count(n)]);
  return [
    table(t("device.counts"), [...counted, [t("device.last_trouble"), last ?? t("device.no_trouble")]]),
    ...points.map((point) => table(nameOf(point.point), point.settings.map(setting))),
    table(t("device.settings"), settings.map(setting)),
  ];
}

function table(title, rows) {
  const made = make("table");
  fillTable(made, [title, t("point.value")], rows);
  return made;
}

// By its key in the configuration, which is what an installer looks for there.
function setting({ key, value, unit }) {
  if (value === null) return [key, t("device.unset")];
  return [key, typeof value === "number" ? withUnit(limit(value), unit) : String(value)];
}
