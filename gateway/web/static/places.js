// The places of the page, and the module of each, loaded when it is first opened.
import { icon, make, setText } from "./element.js";
import { t } from "./text.js";

// `rail`: always in sight; the others stand behind "more", in this order, `managed` for managers alone.
export const PLACES = [
  { name: "kitchen", rail: true },
  { name: "alarms", rail: true, load: () => import("./alarms.js") },
  { name: "controls", rail: true, load: () => import("./controls.js") },
  { name: "timers", rail: true, load: () => import("./timers.js") },
  { name: "more", rail: true, load: () => import("./more.js") },
  { name: "handover", symbol: "handover", load: () => import("./handover.js") },
  { name: "analysis", symbol: "analysis", load: () => import("./analysis.js") },
  { name: "forecasts", symbol: "forecasts", load: () => import("./forecasts.js") },
  { name: "rules", symbol: "rules", load: () => import("./rules.js") },
  { name: "devices", symbol: "device", load: () => import("./devices.js") },
  { name: "system", symbol: "system", load: () => import("./status.js") },
  { name: "people", symbol: "people", managed: true, load: () => import("./people.js") },
  { name: "audit", symbol: "audit", managed: true, load: () => import("./audit.js") },
  { name: "arrange", symbol: "kitchen", load: () => import("./arrange.js") },
  { name: "account", symbol: "account", load: () => import("./account.js") },
  { name: "help", symbol: "help", load: () => import("./help.js") },
  { name: "point", load: () => import("./point.js") },
];

// What "more" lists: every place that is neither always in sight nor about one thing.
export const further = () => PLACES.filter(({ symbol }) => symbol);

const DETAIL = "point";

export class Places {
  #main = document.querySelector("main");
  #opened = new Map();
  #styled = null;

  // The place of the address, `#point/walk_in/temperature`, and what it is about.
  get here() {
    const [name, ...rest] = location.hash.slice(1).split("/");
    const known = PLACES.some((place) => place.name === name);
    return known ? { name, subject: decode(rest.join("/")) } : { name: PLACES[0].name, subject: "" };
  }

  // Show this place and hide the others; `state` and `world` are handed to its module.
  show(state, world) {
    const { name, subject } = this.here;
    const place = this.#open(name);
    this.#mark(name);
    for (const section of this.#main.querySelectorAll("[data-place]")) section.hidden = section.dataset.place !== name;
    if (!place) return;
    // A browser may keep that it failed; once the gateway has been away and is back, all is new.
    if (place.failed && world.silent) place.lost = true;
    if (place.lost && !world.silent) location.reload();
    setText(place.title, t(`nav.${name}`));
    place.section.ariaLabel = t(`nav.${name}`);
    const up = subject ? name : "more"; // from one thing to its list, from a list to all places
    if (place.back) place.back.href = `#${up}`;
    if (place.back) setText(place.back.lastChild, t(`nav.${up}`));
    if (place.wait) setText(place.wait, t(place.failed ? "place.failed" : "verdict.loading"));
    place.view?.show(state, { ...world, subject });
    place.section.toggleAttribute("data-shown", Boolean(place.view));
  }

  #open(name) {
    const { load } = PLACES.find((place) => place.name === name);
    if (!load) return null;
    if (!this.#opened.has(name)) this.#opened.set(name, this.#begin(name, load));
    return this.#opened.get(name);
  }

  #begin(name, load) {
    const [section, title, wait] = [make("section", "scroll"), make("h2"), make("p", "empty")];
    section.dataset.place = name;
    if (further().some((place) => place.name === name)) section.append(headOf(title));
    section.append(wait);
    this.#main.append(section);
    const back = section.querySelector(".back");
    const place = { section, title, back, wait, view: null, failed: false };
    this.#fill(place, load);
    return place;
  }

  async #fill(place, load) {
    try {
      const [{ Place }] = await Promise.all([load(), (this.#styled ??= style())]);
      place.wait.remove();
      place.wait = null;
      place.view = new Place(place.section);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      place.failed = true;
      this.#styled = null;
    }
    dispatchEvent(new Event("redraw"));
  }

  #mark(name) {
    const rail = PLACES.find((place) => place.name === name).rail ? name : name === DETAIL ? PLACES[0].name : "more";
    for (const link of document.querySelectorAll("nav a")) {
      link.ariaCurrent = link.hash === `#${rail}` ? "page" : null;
    }
  }
}

function headOf(title) {
  return make("div", "head", make("a", "back", icon("returned"), make("span")), title);
}

// The look of everything but the wall; fails with a TypeError like a module.
function style() {
  const link = make("link");
  link.rel = "stylesheet";
  link.href = "static/detail.css";
  const loaded = new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => reject(new TypeError(link.href));
  });
  document.head.append(link);
  return loaded;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // an address somebody typed
  }
}
