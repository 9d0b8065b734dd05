// The strip beneath the tiles: what the cloud has, and how the gateway is.
import { make, setChildren, setText } from "./element.js";
import { fullName, look, setState } from "./look.js";
import { count, duration, t, unit } from "./text.js";

const wide = matchMedia("(min-width: 1200px)");
const MANY = 60; // rows: more than a minute of batches has piled up
const CELLS = { wide: 3, narrow: 2 };

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

export class Strip {
  #node = document.getElementById("strip");
  #cells = new Map();

  show(cloud, points, world) {
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
    const system = points.filter((point) => point.unit === "%").slice(0, CELLS[wide.matches ? "wide" : "narrow"]);
    const cells = system.map((point) => this.#point(point, world));
    setChildren(this.#node, [first.node, ...cells]);
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
