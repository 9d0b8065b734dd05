// The wall of this screen: tiles and zones in another order, hidden, large; kept at every touch.
import { asRead, write } from "./asking.js";
import { make, plainButton, setChildren, setText } from "./element.js";
import { arranged, kept, layout, LAYOUTS, learnLayout, OWN, readFrom, zonesOf } from "./layout.js";
import { fullName } from "./look.js";
import { whyNot } from "./proof.js";
import { covers } from "./rights.js";
import { t } from "./text.js";

const DEADLINE_MS = 6000;
const SOON_MS = 500; // several touches are kept as one

export class Place {
  #note = make("p", "note");
  #said = make("p", "said");
  #reset = plainButton(() => this.#want());
  #choices = make("div", "choices");
  #others = new Map();
  #list = make("div", "rows");
  #rows = new Map();
  #session = null;
  #timer = 0;
  #turn = Promise.resolve();
  #points = [];
  #may = false;

  constructor(node) {
    this.#said.ariaLive = "polite";
    node.append(this.#note, this.#said, this.#list, this.#choices);
  }

  show({ points, session }, world) {
    this.#session = session;
    this.#points = [...points.values()].filter(({ origin, secondary }) => origin !== "gateway" && !secondary);
    const staff = covers(session?.role, "staff");
    this.#may = staff && !world.silent && Boolean(layout.name);
    setText(this.#note, t(staff ? "arrange.note" : "banner.denied"));
    setText(this.#reset, t("arrange.reset"));
    this.#reset.disabled = !this.#may || !kept();
    const others = layout.all.map(({ name }) => name).filter((name) => name !== layout.name);
    setChildren(this.#choices, [this.#reset, ...others.map((name) => this.#other(name))]);
    setChildren(this.#list, this.#zones().flatMap((zone, at, all) => this.#zone(zone, at, all)));
  }

  // [{ zone, tiles }], with zones that have come to be empty: a tile may be put back there.
  #zones() {
    const groups = new Map(zonesOf().map(({ zone = "" }) => [zone, []]));
    for (const { zone } of this.#points) if (!groups.has(zone)) groups.set(zone, []);
    for (const tile of arranged(this.#points)) groups.get(tile.zone).push({ ...tile });
    return [...groups].map(([zone, tiles]) => ({ zone, tiles }));
  }

  #zone({ zone, tiles }, at, all) {
    const head = this.#row(`/${zone}`, ["up", "down"]);
    nameIt(head, zone || t("arrange.rest"));
    head.move = { up: () => swap(all, at, at - 1), down: () => swap(all, at, at + 1) };
    head.all = all;
    this.#allow(head, { up: at > 0, down: at < all.length - 1 });
    head.node.hidden = all.length < 2;
    return [head.node, ...tiles.map((tile, place) => this.#tile(tile, { all, at, place }))];
  }

  #tile(tile, where) {
    const row = this.#row(tile.id, ["up", "down", "large", "hidden"]);
    const { all, at, place } = where;
    nameIt(row, fullName(this.#points.find(({ id }) => id === tile.id)));
    row.all = all;
    row.move = {
      up: () => shift(all, at, place, -1),
      down: () => shift(all, at, place, 1),
      large: () => (tile.large = !tile.large),
      hidden: () => (tile.hidden = !tile.hidden),
    };
    for (const name of ["large", "hidden"]) row.buttons[name].ariaPressed = String(Boolean(tile[name]));
    const last = place === all[at].tiles.length - 1;
    this.#allow(row, { up: at + place > 0, down: !last || at < all.length - 1, large: true, hidden: true });
    return row.node;
  }

  #row(key, names) {
    if (!this.#rows.has(key)) {
      const row = { name: make("b"), group: make("span", "buttons"), buttons: {} };
      for (const name of names) row.buttons[name] = plainButton(() => this.#change(row, name));
      row.group.append(...Object.values(row.buttons));
      row.group.role = "group";
      row.node = make("div", "row", make("span", "what", row.name), row.group);
      row.node.dataset.tile = key;
      this.#rows.set(key, row);
    }
    return this.#rows.get(key);
  }

  #allow(row, may) {
    for (const [name, each] of Object.entries(row.buttons)) {
      setText(each, t(`arrange.${name}`));
      each.disabled = !this.#may || !may[name];
    }
  }

  #change(row, name) {
    row.move[name]();
    this.#want(contentOf(row.all));
    // It has moved with its row, perhaps to an end where there is no further.
    const next = [row.buttons[name], ...Object.values(row.buttons)];
    requestAnimationFrame(() => next.find((each) => !each.disabled)?.focus());
  }

  #other(name) {
    if (!this.#others.has(name)) this.#others.set(name, plainButton(() => this.#want(kept(name))));
    const made = this.#others.get(name);
    setText(made, t("arrange.like", { name: name.startsWith(OWN) ? name.slice(OWN.length) : name }));
    made.disabled = !this.#may;
    return made;
  }

  // Seen at once, kept soon; without content the wall is as the kitchen is configured.
  #want(content) {
    assume(content);
    setText(this.#said, t("banner.sending"));
    dispatchEvent(new Event("redraw"));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#turn = this.#turn.then(() => this.#keep())), SOON_MS);
  }

  async #keep() {
    const [path, content] = [`${LAYOUTS}/${encodeURIComponent(layout.name)}`, kept()];
    const answer = await write(content ? "PUT" : "DELETE", path, content && { content }, DEADLINE_MS, asRead(layout.tag));
    setText(this.#said, answer.ok ? t("arrange.kept") : whyNot(answer));
    if (answer.ok) readFrom(answer.told);
    else await learnLayout(this.#session); // what is kept is shown, not what was wanted
    dispatchEvent(new Event("redraw"));
  }
}

function nameIt({ name, group }, text) {
  setText(name, text);
  group.ariaLabel = text;
}

function assume(content) {
  const { name } = layout;
  layout.all = layout.all.filter((it) => it.name !== name);
  if (content) layout.all.push({ name, content });
}

function contentOf(groups) {
  const marked = (mark) => groups.flatMap(({ tiles }) => tiles.filter((tile) => tile[mark]).map(({ id }) => id));
  const zones = groups.map(({ zone, tiles }) => ({ zone, tiles: tiles.map(({ id }) => id) }));
  return { zones, hidden: marked("hidden"), large: marked("large") };
}

function swap(items, one, other) {
  [items[one], items[other]] = [items[other], items[one]];
}

// Beyond the end of its zone a tile goes on in the next.
function shift(groups, at, place, by) {
  const { tiles } = groups[at];
  if (tiles[place + by]) swap(tiles, place, place + by);
  else groups[at + by].tiles[by < 0 ? "push" : "unshift"](...tiles.splice(place, 1));
}
