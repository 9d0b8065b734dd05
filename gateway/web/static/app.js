// The page: what the stream says, drawn at once; what a person taps, sent and then confirmed.
import "./banner.js";
import { ask, WRITING } from "./asking.js";
import { paintHeader } from "./header.js";
import { Wall } from "./kitchen.js";
import { arranged, layout, learnLayout, seen } from "./layout.js";
import { hidden, Notices, waiting } from "./notices.js";
import { Places } from "./places.js";
import { Problems, unset } from "./problems.js";
import { denial } from "./rights.js";
import { Stream } from "./stream.js";
import { Sound } from "./sound.js";
import { left, Strip } from "./strip.js";
import { load, recall, switchLanguage, useZone } from "./text.js";
import "./tile.js";
import { useUnits } from "./units.js";

const CONFIRM_MS = 3000;
const IDLE_MS = 90000;
const TICK_MS = 250;
const CONFIG_ALARM = "system.config";
const HOME = "kitchen";

const byId = (id) => document.getElementById(id);
const state = { points: new Map(), alarms: [], timers: [], flood: null, cloud: null, site: null, session: null, config: null };
const sending = new Map(); // alarm id to "sending" or "again"
let heard = { wall: Date.now(), at: performance.now() };
let silent = 0;
let drawing = false;
let learning = false; // who is here, and how they want the wall
let used = performance.now();

useUnits(recall("units"));
await load();
const [wall, notices, strip, places, problems] = [new Wall(), new Notices(), new Strip(), new Places(), new Problems()];
const sound = new Sound();

function now() {
  return heard.wall + (performance.now() - heard.at) * (state.site?.speed ?? 1);
}

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
  if (data.timers) state.timers = data.timers;
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
  world.denial = (alarm) => denial(state.session, alarm, state.points);
  const points = [...state.points.values()];
  const kitchen = points.filter((point) => point.origin !== "gateway" && !point.secondary);
  const here = places.here.name;
  paintHeader(state, kitchen, world);
  const standing = state.alarms.some((it) => it.state !== "returned" && !hidden(it)) || silent > 0;
  document.body.classList.toggle("alarmed", standing && here === HOME);
  if (!state.site) return;
  listen(world.now);
  document.body.classList.toggle("unset", unset(state.config));
  const held = notices.show(alarms(), problems.nodes(state.config, here), here, world);
  const tiles = arranged(kitchen).filter((tile) => seen(tile, state.points.get(tile.id)));
  world.hidden = kitchen.length > 0 && !tiles.length;
  if (layout.settled) wall.place(tiles);
  places.show(state, world);
  if (here === HOME) {
    wall.show(state.points, world);
    strip.show(state, points.filter((point) => point.origin === "gateway"), world);
  }
  if (held) setTimeout(draw, CONFIRM_MS / 10);
}

// What calls for a person is heard once the page was touched, which it asks for.
function listen(time) {
  const fresh = state.alarms.filter((alarm) => alarm.state === "unacknowledged");
  const wanted = new Set(fresh.map(({ priority }) => (priority === "life" ? "life" : "alarm")));
  if (state.timers.some((timer) => left(timer, time).state === "ended")) wanted.add("timer");
  sound.want(wanted);
  byId("mute").hidden = !wanted.size || !sound.locked;
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

// A session may have ended since; on a tablet the page then goes on as the tablet's.
async function learnWho() {
  learning = true;
  const before = state.session;
  const session = ask("api/v1/session", CONFIRM_MS, true);
  await learnLayout(session);
  state.session = (await session) ?? before;
  if (before && before.user !== state.session.user) location.reload();
  layout.settled ||= Boolean(layout.name || state.site);
  learning = false;
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
    const path = `api/v1/alarms/${encodeURIComponent(id)}/acknowledge`;
    const signal = AbortSignal.timeout(CONFIRM_MS);
    const answer = await fetch(path, { method: "POST", headers: WRITING, signal });
    if (answer.status === 401) location.assign("login");
    if (!answer.ok) failed();
  } catch {
    failed();
  }
}

addEventListener("acknowledge", (event) => event.detail.forEach(acknowledge));
addEventListener("redraw", draw);
addEventListener("proven", () => learnWho().then(draw));
addEventListener("hashchange", () => {
  const main = document.querySelector("main");
  main.scrollTop = 0;
  main.focus({ preventScroll: true }); // a screen reader goes on where the place begins
  draw();
});
for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => (used = performance.now()), { capture: true });
byId("language").addEventListener("click", () => switchLanguage().then(draw));
setInterval(() => {
  if (performance.now() - used > IDLE_MS && places.here.name !== HOME) location.hash = HOME;
  draw();
}, 1000);
// The last seconds of a timer are seen to pass, and its sound begins at once.
setInterval(() => state.timers.length && draw(), TICK_MS);

new Stream({
  snapshot(all) {
    takeAll(all);
    if (!learning) learnWho().then(draw);
  },
  change: take,
  silent(milliseconds) {
    if (milliseconds || silent) draw();
    silent = milliseconds;
  },
});
if (isSecureContext) import("./offline.js").then(({ settle }) => settle());
await learnWho();
draw();
