// What takes room above the tiles: lost connection, and alarms that need a person.
import { icon, make, sameChildren, setChildren, setIcon, setText } from "./element.js";
import { duration, t } from "./text.js";

const FULL_MAX = 2;
const UNDER_FINGER_MS = 400;
const BACK_MS = 2000;
const RANK = { life: 0, high: 1, medium: 2, low: 3 };

export const waiting = (alarm) => alarm.state === "unacknowledged" || alarm.state === "returned";

// Life before food, what waits before what is in hand, the more urgent and the newest first.
export function inOrder(alarms) {
  const life = (alarm) => Math.min(1, RANK[alarm.priority]);
  const late = (alarm) => Number(alarm.state !== "unacknowledged");
  return [...alarms].sort(
    (a, b) => life(a) - life(b) || late(a) - late(b) || RANK[a.priority] - RANK[b.priority] || b.since - a.since,
  );
}

export class Notices {
  #node = document.getElementById("notices");
  #list = document.querySelector("[data-place=alarms]");
  #none = make("p", "empty");
  #banners = new Map();
  #rows = new Map();
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
    const ordered = inOrder(alarms).filter((alarm) => alarm.state !== "returned");
    const slim = place !== "kitchen";
    const shown = place === "alarms" ? [] : ordered.filter((a) => !slim || waiting(a)).slice(0, slim ? 1 : FULL_MAX);
    const nodes = shown.map((alarm) => this.#banner(this.#banners, alarm, world, slim ? "slim" : "full"));
    const left = place === "kitchen" ? ordered.length - shown.length : 0;
    setText(this.#more, t("banner.more", { n: left }));
    const all = [...this.#connection(world.silent), ...problems, ...nodes, ...(left > 0 ? [this.#more] : [])];
    const held = place === this.#place && this.#held(all);
    this.#place = place;
    if (!held) setChildren(this.#node, all);
    this.#forget(this.#banners, alarms);
    return held;
  }

  list(alarms, world) {
    const nodes = inOrder(alarms).map((alarm) => this.#banner(this.#rows, alarm, world, "row"));
    setText(this.#none, t("alarms.none"));
    setChildren(this.#list, nodes.length ? nodes : [this.#none]);
    this.#forget(this.#rows, alarms);
  }

  #banner(kept, alarm, world, form) {
    if (!kept.has(alarm.id)) kept.set(alarm.id, make("kg-banner"));
    const banner = kept.get(alarm.id);
    banner.dataset.form = form;
    banner.connectedCallback();
    banner.show(alarm, { ...world, sending: world.sending.get(alarm.id) });
    return banner;
  }

  #forget(kept, alarms) {
    for (const id of kept.keys()) if (!alarms.some((alarm) => alarm.id === id)) kept.delete(id);
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
