// The page: what the stream says, drawn at once; what a person taps, sent and then confirmed.
import "./banner.js";
import "./chart.js";
import { AlarmPlace, showHidden } from "./alarms.js";
import { WRITING } from "./asking.js";
import { Controls } from "./controls.js";
import { Devices } from "./devices.js";
import { setIcon, setText } from "./element.js";
import { Wall } from "./kitchen.js";
import { look } from "./look.js";
import { hidden, Notices, waiting } from "./notices.js";
import { Problems, unset } from "./problems.js";
import { PointPage } from "./point.js";
import { cloudLook, Status, Strip } from "./status.js";
import { Stream } from "./stream.js";
import { clock, date, load, recall, remember, switchLanguage, t, useZone } from "./text.js";
import "./tile.js";

const CONFIRM_MS = 3000;
const IDLE_MS = 90000;
const CONFIG_ALARM = "system.config";
const THEMES = ["auto", "light", "dark"];
const PLACES = ["kitchen", "alarms", "devices", "system", "point"];

const byId = (id) => document.getElementById(id);
const state = { points: new Map(), alarms: [], flood: null, cloud: null, site: null, session: null, config: null };
const sending = new Map(); // alarm id to "sending" or "again"
let heard = { wall: Date.now(), at: performance.now() };
let silent = 0;
let drawing = false;
let used = performance.now();

await load();
const [wall, notices, strip, status] = [new Wall(), new Notices(), new Strip(), new Status()];
const problems = new Problems();
const [devices, controls] = [new Devices(), new Controls()];
const [detail, alarmPlace] = [new PointPage(), new AlarmPlace()];

function now() {
  return heard.wall + (performance.now() - heard.at) * (state.site?.speed ?? 1);
}

function place() {
  const [name] = location.hash.slice(1).split("/");
  return PLACES.includes(name) ? name : PLACES[0];
}

// What a place is about: the point of `#point/walk_in/temperature`.
const subject = () => decodeURIComponent(location.hash.split("/").slice(1).join("/"));

function take(data) {
  heard = { wall: data.now, at: performance.now() };
  for (const point of data.points ?? []) state.points.set(point.id, point);
  if (data.alarms) {
    [state.alarms, state.flood] = [data.alarms, data.flood ?? null];
    for (const id of sending.keys()) {
      if (!state.alarms.some((alarm) => alarm.id === id && waiting(alarm))) sending.delete(id);
    }
  }
  if (data.cloud) state.cloud = data.cloud;
  silent = 0;
  draw();
}

function takeAll(data) {
  state.points.clear();
  state.site = data.site;
  state.config = data.config;
  useZone(data.site.zone);
  take(data);
}

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    paint();
  });
}

function paint() {
  const world = { now: now(), silent, alarms: alarmsByPoint(), points: state.points, sending };
  world.mayAcknowledge = state.session?.role !== "viewer";
  const points = [...state.points.values()];
  const system = points.filter((point) => point.origin === "gateway");
  const kitchen = points.filter((point) => point.origin !== "gateway" && !point.secondary);
  paintHeader(kitchen, world);
  paintPlaces();
  if (!state.site) return;
  document.body.classList.toggle("unset", unset(state.config));
  const held = notices.show(alarms(), problems.nodes(state.config, place()), place(), world);
  wall.place(kitchen);
  if (place() === "kitchen") {
    wall.show(state.points, world);
    strip.show(state.cloud, system, world);
  }
  if (place() === "alarms") alarmPlace.show(state.alarms, state.flood, state.session, world);
  if (place() === "devices") devices.show(state.points, world);
  if (place() === "devices") controls.show(state.session?.role, world);
  if (place() === "system") status.show(state, system, world);
  if (place() === "point") detail.show(subject(), state.points, world);
  if (held) setTimeout(draw, CONFIRM_MS / 10);
}

// What the list of problems says at length needs no banner beside it.
function alarms() {
  return unset(state.config) ? state.alarms.filter(({ id }) => id !== CONFIG_ALARM) : state.alarms;
}

function alarmsByPoint() {
  const worst = (a, b) => (a.priority === "life" || b?.priority !== "life" ? a : b);
  const found = new Map();
  for (const alarm of state.alarms.filter((it) => !hidden(it))) found.set(alarm.point, worst(alarm, found.get(alarm.point)));
  return found;
}

function paintHeader(points, world) {
  const { symbol, text, mood } = verdict(points, world);
  const title = byId("verdict");
  title.dataset.mood = mood;
  title.href = state.alarms.length ? "#alarms" : "#kitchen";
  setIcon(title.firstElementChild, symbol);
  setText(title.lastElementChild, text);
  setText(byId("clock"), state.site ? clock(world.now) : "");
  setText(byId("date"), state.site ? date(world.now) : "");
  byId("simulated").hidden = !state.site?.simulated;
  const speed = state.site?.speed ?? 1;
  setText(byId("speed"), speed === 1 ? "" : t("site.speed", { n: speed }));
  // A kitchen that runs faster tells its own time, which no clock could be trusted to tell.
  byId("untrusted").hidden = state.site?.clock !== "unsynced" || speed !== 1;
  showHidden(byId("hidden"), state.alarms);
  byId("cloud").hidden = !state.cloud?.configured || silent > 0;
  if (!state.cloud) return;
  const view = cloudLook(state.cloud, world.now);
  byId("cloud").dataset.state = view.state;
  setIcon(byId("cloud").firstElementChild, view.symbol);
  setText(byId("cloud").lastElementChild, view.short);
}

function verdict(points, world) {
  if (silent) return { symbol: "offline", text: t("state.offline"), mood: "mute" };
  if (!state.site) return { symbol: "stale", text: t("verdict.loading"), mood: "mute" };
  if (unset(state.config)) return { symbol: "fault", text: t("verdict.config"), mood: "bad" };
  const n = state.alarms.filter(waiting).length;
  if (n) return { symbol: "bell", text: t("verdict.waiting", { n }), mood: "bad" };
  const standing = state.alarms.filter((alarm) => !hidden(alarm)).length;
  if (standing) return { symbol: "acknowledged", text: t("verdict.standing", { n: standing }), mood: "warn" };
  const unseen = state.alarms.filter((alarm) => hidden(alarm) && alarm.stands).length;
  if (unseen) return { symbol: "hidden", text: t("verdict.hidden", { n: unseen }), mood: "warn" };
  if (!points.length) return { symbol: "stale", text: t("verdict.empty"), mood: "mute" };
  const states = points.map((point) => look(point, world).state).filter((name) => name !== "early");
  const odd = states.filter((name) => name !== "ok").length;
  if (odd && states.every((name) => name === "loading" || name === "ok")) {
    return { symbol: "stale", text: t("verdict.loading"), mood: "mute" };
  }
  if (odd) return { symbol: "warn", text: t("verdict.warn", { n: odd }), mood: "warn" };
  return { symbol: "ok", text: t("verdict.ok"), mood: "ok" };
}

function paintPlaces() {
  const here = place();
  const standing = state.alarms.some((it) => it.state !== "returned" && !hidden(it)) || silent > 0;
  document.body.classList.toggle("alarmed", standing && here === "kitchen");
  for (const link of document.querySelectorAll("nav a")) {
    link.ariaCurrent = link.hash === `#${here}` ? "page" : null;
  }
  for (const section of document.querySelectorAll("[data-place]")) {
    section.hidden = section.dataset.place !== here;
  }
  const n = state.alarms.filter(waiting).length;
  byId("badge").hidden = !n;
  setText(byId("badge"), String(n));
  setText(byId("theme").lastElementChild, t(`theme.${recall("theme") ?? THEMES[0]}`));
  byId("theme").title = t("theme.label");
}

async function acknowledge(id) {
  sending.set(id, "sending");
  draw();
  const failed = () => {
    clearTimeout(late);
    if (sending.has(id)) sending.set(id, "again");
    draw();
  };
  const late = setTimeout(failed, CONFIRM_MS);
  try {
    const path = `/api/v1/alarms/${encodeURIComponent(id)}/acknowledge`;
    const signal = AbortSignal.timeout(CONFIRM_MS);
    const answer = await fetch(path, { method: "POST", headers: WRITING, signal });
    if (answer.status === 401) location.assign("/login");
    if (!answer.ok) failed();
  } catch {
    failed();
  }
}

addEventListener("acknowledge", (event) => event.detail.forEach(acknowledge));
addEventListener("redraw", draw);
addEventListener("hashchange", () => {
  document.querySelector("main").scrollTop = 0;
  draw();
});
addEventListener("pointerdown", () => (used = performance.now()), { capture: true });
byId("language").addEventListener("click", () => switchLanguage().then(draw));
byId("theme").addEventListener("click", () => {
  remember("theme", THEMES[(THEMES.indexOf(recall("theme") ?? THEMES[0]) + 1) % THEMES.length]);
  dispatchEvent(new Event("themechange"));
  draw();
});
setInterval(() => {
  if (performance.now() - used > IDLE_MS && place() !== PLACES[0]) location.hash = PLACES[0];
  draw();
}, 1000);

new Stream({
  snapshot: takeAll,
  change: take,
  silent(milliseconds) {
    if (milliseconds || silent) draw();
    silent = milliseconds;
  },
});
const answer = await fetch("/api/v1/session");
if (answer.ok) state.session = await answer.json();
draw();
