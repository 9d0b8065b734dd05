// Beneath the tiles: the timers first, then the cloud and how the gateway is.
import { make, setChildren, setText } from "./element.js";
import { fullName, look, setState } from "./look.js";
import { count, duration, t, unit } from "./text.js";

const wide = matchMedia("(min-width: 1200px)");
const MANY = 60; // rows: more than a minute of batches has piled up
const CELLS = { wide: 4, narrow: 3 };
const LOADS = 2; // of the gateway itself, while no timer runs
const LAST_S = 60; // the last minute stands out

// What the cloud has stored: a state, a symbol, a short word, and the reasons one by one.
export function cloudLook(cloud, now) {
  const waiting = t("cloud.waiting", { n: count(cloud.waiting) });
  if (!cloud.configured) return { state: "off", symbol: "cloud_off", short: t("cloud.off"), why: [] };
  if (!cloud.connected || cloud.error) {
    const oldest = cloud.oldest_waiting;
    const age = oldest === null ? "" : t("cloud.oldest", { duration: duration((now - oldest) / 1000) });
    const why = [t("cloud.safe"), age, cloud.error].filter(Boolean);
    return { state: "warn", symbol: "cloud_off", short: `${t("cloud.lost")} · ${waiting}`, why };
  }
  if (cloud.confirm === "puback") {
    return { state: "warn", symbol: "cloud", short: waiting, why: [waiting, t("cloud.unproven")] };
  }
  const last = cloud.last_acknowledged_at;
  const confirmed =
    last === null ? t("cloud.never") : t("cloud.confirmed", { duration: duration((now - last) / 1000) });
  const short = cloud.waiting > MANY ? waiting : t("cloud.sent");
  return { state: "ok", symbol: "cloud", short, why: [waiting, confirmed] };
}

// What is left of a timer, as "6:12"; after its end how long ago that was, as "+0:12".
export function left({ since, due, state }, now) {
  const ended = state === "elapsed" || now >= due;
  const seconds = ended ? Math.floor((now - due) / 1000) : Math.ceil((due - now) / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const parts = hours ? [hours, pad(minutes), pad(rest)] : [minutes, pad(rest)];
  const share = ended ? 1 : Math.min(1, Math.max(0, (due - now) / Math.max(1, due - since)));
  const text = `${ended ? "+" : ""}${parts.join(":")}`;
  return { text, share, state: ended ? "ended" : seconds <= LAST_S ? "last" : "running" };
}

const pad = (n) => String(n).padStart(2, "0");

export class Strip {
  #node = document.getElementById("strip");
  #cells = new Map();

  show({ cloud, timers }, points, world) {
    const view = cloudLook(cloud, world.now);
    const first = this.#cell("cloud");
    setText(first.name, t("cloud.name"));
    const brief = cloud.connected ? view.why : view.short.split(" · ");
    setText(first.why, world.silent ? "" : brief.join("\n"));
    const stored = world.silent ? t("big.offline") : count(cloud.acknowledged);
    setText(first.figure, cloud.configured ? stored : "");
    setText(first.small, cloud.configured && !world.silent ? t("cloud.rows", { n: count(cloud.committed) }) : "");
    const share = cloud.committed && !world.silent ? cloud.acknowledged / cloud.committed : 0;
    first.bar.style.width = `${100 * share}%`;
    setState(first.node, world.silent ? "offline" : view.state);
    const most = CELLS[wide.matches ? "wide" : "narrow"];
    const shown = timers.slice(0, most).map((timer) => this.#timer(timer, world));
    const system = points.filter((point) => point.unit === "%").slice(0, LOADS);
    const own = [...system.map((point) => this.#point(point, world)), first.node];
    const cells = [this.#adding(timers.length - shown.length), ...(shown.length ? shown : own)];
    for (const id of this.#cells.keys()) if (id.startsWith("timer/") && !timers.some((it) => id === `timer/${it.id}`)) this.#cells.delete(id);
    setChildren(this.#node, cells);
  }

  // Where a timer is started, and how many there are beyond those that have room.
  #adding(beyond) {
    const cell = this.#cell("timers");
    setText(cell.why, beyond > 0 ? t("timers.beyond", { n: beyond }) : "");
    setText(cell.figure, "+");
    setText(cell.name, t("nav.timers"));
    cell.node.href = "#timers";
    cell.node.dataset.timer = "new";
    return cell.node;
  }

  #timer(timer, { now }) {
    const cell = this.#cell(`timer/${timer.id}`);
    const view = left(timer, now);
    setText(cell.name, timer.label);
    setText(cell.figure, view.text);
    cell.bar.style.width = `${100 * view.share}%`;
    cell.node.href = "#timers";
    cell.node.dataset.timer = view.state;
    return cell.node;
  }

  #point(point, world) {
    const cell = this.#cell(point.id);
    const view = look({ ...point, precision: 0 }, world);
    setText(cell.name, fullName(point));
    setText(cell.figure, view.big.text);
    setText(cell.small, unit(view.big.unit ?? ""));
    setState(cell.node, view.state);
    return cell.node;
  }

  #cell(id) {
    if (!this.#cells.has(id)) {
      const [name, why, bar] = [make("b"), make("span", "why"), make("i")];
      const [figure, small] = [make("span"), make("small")];
      const node = make("a", "cell", make("span", "what", name, why), make("strong", "", figure, small), bar);
      node.href = "#system";
      this.#cells.set(id, { node, name, why, bar, figure, small });
    }
    return this.#cells.get(id);
  }
}
