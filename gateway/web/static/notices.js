// What takes room above the tiles: lost connection, and alarms that need a person.
import { icon, make, sameChildren, setChildren, setIcon, setText } from "./element.js";
import { duration, t } from "./text.js";

const FULL_MAX = 2;
const UNDER_FINGER_MS = 400;
const BACK_MS = 2000;
const RANK = { life: 0, high: 1, medium: 2, low: 3 };

export const waiting = (alarm) => alarm.state === "unacknowledged" || alarm.state === "returned";
export const hidden = (alarm) => ["shelved", "suppressed", "out_of_service"].includes(alarm.state);

// One line for what a group raised together, the alarm it began with before the others.
function folded(alarms) {
  const bursts = new Map();
  for (const alarm of alarms) {
    const key = alarm.first_out && alarm.priority !== "life" ? `burst ${alarm.first_out}` : alarm.id;
    const members = bursts.get(key) ?? [];
    if (alarm.id === alarm.first_out) members.unshift(alarm);
    else members.push(alarm);
    bursts.set(key, members);
  }
  return [...bursts.values()];
}

// Life first, what waits before what is in hand, the more urgent and the newest first.
export function inOrder(alarms) {
  const life = (alarm) => Math.min(1, RANK[alarm.priority]);
  const late = (alarm) => Number(alarm.state !== "unacknowledged");
  return [...alarms].sort(
    (a, b) => life(a) - life(b) || late(a) - late(b) || RANK[a.priority] - RANK[b.priority] || b.since - a.since,
  );
}

export class Notices {
  #node = document.getElementById("notices");
  #banners = new Map();
  #more = make("a", "more");
  #offline = make("div", "offline", icon("offline"), make("div", "", make("b"), make("span")));
  #wasSilent = false;
  #backUntil = 0;
  #place = "";
  #touched = -Infinity;
  #touching = false;

  constructor() {
    this.#node.role = "alert";
    this.#more.href = "#alarms";
    addEventListener("pointerdown", () => this.#touch(true), { capture: true });
    for (const name of ["pointerup", "pointercancel"]) {
      addEventListener(name, () => this.#touch(false), { capture: true });
    }
  }

  // Returns whether a change of the rows waits because a finger is on the screen.
  show(alarms, problems, place, world) {
    const ordered = folded(inOrder(alarms).filter((alarm) => alarm.state !== "returned" && !hidden(alarm)));
    const slim = place !== "kitchen";
    const shown = place === "alarms" ? [] : ordered.filter((burst) => !slim || burst.some(waiting)).slice(0, slim ? 1 : FULL_MAX);
    const form = (index) => (slim ? "slim" : index && shown[0][0].priority === "life" ? "row" : "full");
    const nodes = shown.map((burst, index) => this.#banner(burst, world, form(index)));
    const left = place === "kitchen" ? ordered.length - shown.length : 0;
    setText(this.#more, t("banner.more", { n: left }));
    const all = [...this.#connection(world.silent), ...problems, ...nodes, ...(left > 0 ? [this.#more] : [])];
    const held = place === this.#place && this.#held(all);
    this.#place = place;
    if (!held) setChildren(this.#node, all);
    for (const id of this.#banners.keys()) if (!alarms.some((alarm) => alarm.id === id)) this.#banners.delete(id);
    return held;
  }

  #banner(burst, world, form) {
    const [alarm] = burst;
    if (!this.#banners.has(alarm.id)) this.#banners.set(alarm.id, make("kg-banner"));
    const banner = this.#banners.get(alarm.id);
    banner.dataset.form = form;
    banner.connectedCallback();
    banner.show(alarm, { ...world, sending: world.sending.get(alarm.id) }, burst.slice(1));
    return banner;
  }

  #connection(silent) {
    const now = performance.now();
    if (this.#wasSilent && !silent) this.#backUntil = now + BACK_MS;
    this.#wasSilent = silent > 0;
    if (!silent && now > this.#backUntil) return [];
    const [title, advice] = this.#offline.lastChild.children;
    setIcon(this.#offline.firstChild, silent ? "offline" : "ok");
    setText(title, silent ? t("offline.title", { duration: duration(silent / 1000) }) : t("offline.back"));
    setText(advice, silent ? t("offline.advice") : "");
    return [this.#offline];
  }

  #held(nodes) {
    const same = sameChildren(this.#node, nodes);
    return !same && (this.#touching || performance.now() - this.#touched < UNDER_FINGER_MS);
  }

  #touch(down) {
    this.#touching = down;
    this.#touched = performance.now();
  }
}
