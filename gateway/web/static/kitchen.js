// The wall: tiles in their places, by zone, in views of at most three rows of four.
import { icon, make, setChildren, setIcon, setText } from "./element.js";
import { look, setState } from "./look.js";
import { t } from "./text.js";

const COLUMNS = 4;
const ROWS = 3;
const URGENCY = ["life", "alarm", "returned", "acknowledged", "fault", "stale", "warn", "offline"];
const phone = matchMedia("(max-width: 899px)");
const alarmed = () => document.body.classList.contains("alarmed");

export class Wall {
  #zones = document.getElementById("zones");
  #tabs = document.getElementById("tabs");
  #empty = make("p", "empty");
  #tiles = new Map();
  #views = [];
  #view = 0;
  #shape = "";

  constructor() {
    new ResizeObserver(() => this.#fit()).observe(this.#zones);
    phone.addEventListener("change", () => this.#arrange(true));
  }

  // Points in their order; a tile keeps its place as long as the points stay the same.
  place(points) {
    const shape = points.map(({ id, zone, large }) => `${zone}/${id}/${Boolean(large)}`).join("\n");
    if (shape === this.#shape && points.length) return;
    this.#shape = shape;
    const old = this.#tiles;
    this.#tiles = new Map(points.map(({ id }) => [id, old.get(id) ?? tileOf(id)]));
    for (const { id, large } of points) this.#tiles.get(id).classList.toggle("large", Boolean(large));
    this.#views = views(points);
    this.#arrange(false);
  }

  show(points, world) {
    setText(this.#empty, t(world.hidden ? "arrange.none" : "kitchen.empty"));
    // On a phone the tiles' own height does not tell that a banner stands.
    if (phone.matches && this.#zones.classList.contains("compact") !== alarmed()) this.#fit();
    for (const [id, tile] of this.#tiles) if (tile.isConnected) tile.show(points.get(id), world);
    this.#tabs.querySelectorAll("button").forEach((tab, index) => {
      const states = this.#views[index].flatMap((row) => row.points.map((p) => look(points.get(p.id), world).state));
      const worst = URGENCY.find((state) => states.includes(state)) ?? "ok";
      setState(tab, worst);
      setIcon(tab.firstChild, worst);
    });
  }

  #arrange(again) {
    if (again) this.#zones.replaceChildren();
    this.#view = Math.min(this.#view, Math.max(0, this.#views.length - 1));
    const shown = phone.matches ? zonesOf(this.#views.flat()) : (this.#views[this.#view] ?? []);
    const columns = Math.max(1, ...shown.map((row) => widthOf(row.points)));
    this.#zones.style.setProperty("--columns", phone.matches ? 2 : columns);
    this.#zones.dataset.rows = shown.length;
    this.#zones.classList.toggle("labelled", shown.some((row) => row.zone));
    const rows = shown.map((row) => this.#row(row));
    this.#zones.replaceChildren(...(rows.length ? rows : [this.#empty]));
    this.#arrangeTabs();
    this.#fit();
  }

  #row(row) {
    const node = make("section", "zone");
    if (row.zone || this.#zones.classList.contains("labelled")) node.append(make("h2", "", row.zone));
    node.append(...row.points.map(({ id }) => this.#tiles.get(id)));
    return node;
  }

  #arrangeTabs() {
    this.#tabs.hidden = this.#views.length < 2 || phone.matches;
    const tabs = this.#views.map((view, index) => {
      const names = [...new Set(view.map((row) => row.zone).filter(Boolean))];
      const tab = make("button", "tab", icon("ok"), make("span", "", names.join(" · ") || String(index + 1)));
      tab.type = "button";
      tab.role = "tab";
      tab.ariaSelected = String(index === this.#view);
      tab.addEventListener("click", () => {
        this.#view = index;
        this.#arrange(false);
        tab.dispatchEvent(new Event("redraw", { bubbles: true }));
      });
      return tab;
    });
    setChildren(this.#tabs, this.#tabs.hidden ? [] : tabs);
  }

  // Compact or snug when banners or tabs take the height, roomy when few tiles share it.
  #fit() {
    const tile = this.#zones.querySelector("kg-tile");
    if (!tile) return;
    const style = getComputedStyle(this.#zones);
    const pixels = (name) => Number.parseFloat(style.getPropertyValue(name));
    const rows = Math.max(1, Number(this.#zones.dataset.rows));
    const height = (this.#zones.clientHeight - (rows - 1) * pixels("--gap")) / rows;
    const compact = phone.matches ? alarmed() : height < pixels("--full");
    const airy = compact && !phone.matches && height >= pixels("--airy");
    const roomy = !phone.matches && height >= pixels("--roomy") && tile.clientWidth >= pixels("--roomy");
    this.#zones.classList.toggle("compact", compact);
    this.#zones.classList.toggle("airy", airy);
    this.#zones.classList.toggle("snug", !phone.matches && !compact && height < pixels("--easy"));
    this.#zones.classList.toggle("roomy", roomy && !compact);
    for (const shown of this.#zones.querySelectorAll("kg-tile")) shown.fit();
  }
}

function tileOf(id) {
  const tile = make("kg-tile");
  const open = () => (location.hash = `#point/${id}`);
  tile.addEventListener("click", open);
  tile.addEventListener("keydown", (event) => event.key === "Enter" && open());
  return tile;
}

function views(points) {
  const zones = new Map();
  for (const point of points) zones.set(point.zone, [...(zones.get(point.zone) ?? []), point]);
  let rows = [...zones].flatMap(([zone, group]) => rowsOf(group).map((part) => ({ zone, points: part })));
  const few = widthOf(points) <= COLUMNS * ROWS;
  if (zones.size < 2 || (few && rows.length > ROWS)) {
    rows = rowsOf(points, few).map((part) => ({ zone: "", points: part }));
  }
  const result = [];
  for (let at = 0; at < rows.length; at += ROWS) result.push(rows.slice(at, at + ROWS));
  return result;
}

function zonesOf(rows) {
  const zones = new Map();
  for (const { zone, points } of rows) zones.set(zone, [...(zones.get(zone) ?? []), ...points]);
  return [...zones].map(([zone, points]) => ({ zone, points }));
}

const widthOf = (points) => points.reduce((sum, { large }) => sum + (large ? 2 : 1), 0);

// Rows as even as they go: six points are two rows of three, not four and two.
function rowsOf(points, even = false) {
  const all = widthOf(points);
  const count = Math.ceil(all / COLUMNS);
  const width = even ? Math.ceil(all / Math.max(count, all > 3 ? 2 : 1)) : COLUMNS;
  const rows = [];
  for (const point of points) {
    if (!rows.length || widthOf([...rows.at(-1), point]) > width) rows.push([]);
    rows.at(-1).push(point);
  }
  return rows;
}
