// What stands behind the kitchen: the cloud, the clock and the gateway's own points.
import { ask, WRITING } from "./asking.js";
import { icon, make, setChildren, setIcon, setText } from "./element.js";
import { fullName, look, setState, symbolOf, valueText } from "./look.js";
import { cloudLook } from "./strip.js";
import { clock, count, date, duration, t } from "./text.js";

const ABSENT = "no_communication"; // from the first: this machine has no such sensor
const AGAIN_MS = 5000;

export class Place {
  #rows = new Map();
  #grid = make("div", "rows");
  #user = make("p", "user");
  #status = null;
  #asked = -Infinity;
  #form = make("form", "logout", make("button", "plain"));

  constructor(node) {
    this.#form.method = "post";
    this.#form.addEventListener("submit", leave);
    node.append(this.#grid, this.#user, this.#form);
  }

  show({ cloud, site, session, points: all }, world) {
    const points = [...all.values()].filter((point) => point.origin === "gateway");
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent) this.#ask();
    const view = cloudLook(cloud, world.now);
    const stored = `${count(cloud.acknowledged)} ${t("cloud.rows", { n: count(cloud.committed) })}`;
    const rows = [
      world.silent
        ? this.#row("cloud", "offline", t("cloud.name"), t("state.offline"), t("big.offline"))
        : this.#row("cloud", view.state, t("cloud.name"), view.why.join(" · ") || view.short, cloud.configured ? stored : ""),
      ...this.#own(world),
      this.#clock(site, world),
      ...points.map((point) => this.#point(point, world)),
    ];
    const faulty = (row) => !["ok", "off", "absent", "loading"].includes(row.dataset.state);
    setChildren(this.#grid, [...rows.filter(faulty), ...rows.filter((row) => !faulty(row))]);
    const user = session ? `${session.user} (${t(`role.${session.role}`)})` : "";
    setText(this.#user, user && t("system.user", { user }));
    this.#form.hidden = session?.kind !== "session";
    setText(this.#form.firstChild, t("system.logout"));
  }

  async #ask() {
    this.#asked = performance.now();
    this.#status = (await ask("/api/v1/status", AGAIN_MS)) ?? this.#status;
    dispatchEvent(new Event("redraw"));
  }

  // The gateway as a whole, and what it keeps.
  #own(world) {
    if (!this.#status) return [];
    const [gateway, kept] = [t("system.gateway"), t("system.store")];
    if (world.silent) {
      return [gateway, kept].map((name) => this.#row(name, "offline", name, t("state.offline"), t("big.offline")));
    }
    const { status, started_at, troubles, version, store } = this.#status;
    const since = t("system.since", { duration: duration((world.now - started_at) / 1000), version });
    const state = troubles.length ? "warn" : "ok";
    const room = t("system.room", { n: Math.round(store.used * 100) });
    const past = t("system.history", { n: count(Math.round(store.history_bytes / 1e6)), months: store.history_months });
    const lost = store.lost ? t("system.lost", { n: count(store.lost) }) : "";
    const words = [store.failing, lost, room, past].filter(Boolean).join(" · ");
    return [
      this.#row(gateway, state, gateway, [...troubles, since].join(" · "), t(`system.status.${status}`)),
      this.#row(kept, store.failing || store.lost ? "warn" : "ok", kept, words, count(store.rows)),
    ];
  }

  #clock(site, world) {
    const speed = site.speed === 1 ? [] : [t("system.speed", { n: site.speed })];
    const why = [date(world.now), t(`system.clock.${site.clock}`), ...speed].join(" · ");
    const state = site.clock === "unsynced" ? "warn" : "ok";
    return this.#row("clock", state, t("system.clock"), why, clock(world.now));
  }

  #point(point, world) {
    if (point.reason === ABSENT && point.last_at === null) {
      return this.#row(point.id, "absent", fullName(point), t("system.absent"), "");
    }
    const view = look(point, world);
    const known = point.quality !== "bad" && view.state !== "offline";
    const value = known ? valueText(point, point.value) : view.big.text;
    const why = [view.foot, t(`state.${view.state}`), view.age].filter(Boolean).join(" · ");
    return this.#row(point.id, view.state, fullName(point), why, value);
  }

  #row(id, state, name, why, value) {
    if (!this.#rows.has(id)) {
      const words = make("span", "what", make("b"), make("span", "why"));
      this.#rows.set(id, make("div", "row", icon("ok"), words, make("span", "figure")));
    }
    const row = this.#rows.get(id);
    setState(row, state);
    setIcon(row.firstChild, symbolOf(state));
    setText(row.querySelector("b"), name);
    setText(row.querySelector(".why"), why);
    setText(row.lastChild, value);
    return row;
  }
}

// A form cannot send the header that the gateway wants with every change.
async function leave(event) {
  event.preventDefault();
  await fetch("/logout", { method: "POST", headers: WRITING });
  location.assign("/login");
}
