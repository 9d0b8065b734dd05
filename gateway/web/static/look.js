// How a point looks now: its state, what stands in the big slot, and the words beneath.
import { clock, duration, figure, has, limit, metric, number, sentence, t, withUnit } from "./text.js";
import { shown } from "./units.js";

const QUIET = ["stale", "fault", "offline", "loading", "early"];
const MOODS = { fault: "warn", alarm: "bad", life: "bad", acknowledged: "hand", returned: "hand", latched: "hand" };
const MUTE = ["offline", "loading", "early", "off", "absent"];
const SYMBOLS = { off: "cloud_off", absent: "offline", loading: "stale", early: "stale" };

export const symbolOf = (state) => SYMBOLS[state] ?? state;

// The state by itself, and the mood that states of one colour share.
export function setState(node, state) {
  node.dataset.state = state;
  node.dataset.mood = MUTE.includes(state) ? "mute" : (MOODS[state] ?? state);
}

const lastPart = (point) => point.id.split("/").at(-1);

export function nameOf(point) {
  const what = point.metric ? metric(has(`metric.${point.id}`) ? point.id : point.metric) : "";
  if (!point.label) return { label: sentence(what) || point.id, what: "" };
  return { label: point.label, what };
}

export function fullName(point) {
  const { label, what } = nameOf(point);
  return what ? `${label} ${what}` : label;
}

// World: { now, silent, alarms, points }: UTC ms, ms since the gateway was heard, alarms by point.
export function look(point, world) {
  const age = Math.max(0, (world.now - point.at) / 1000);
  const state = stateOf(point, age, world);
  const alarm = world.alarms.get(point.id);
  return {
    state,
    big: bigSlot(point, state, world),
    foot: foot(point, state, alarm, world),
    age: showsAge(state) ? duration(age) : "",
    rail: state === "offline" || point.quality === "bad" ? null : rail(point),
  };
}

const showsAge = (state) => !QUIET.includes(state);

function stateOf(point, age, world) {
  if (world.silent && age > Math.max(6, 2 * point.period_s)) return "offline";
  if (point.reason === "not_started") return point.origin === "forecast" ? "early" : "loading";
  const doubtful = point.quality === "uncertain" || outside(point);
  return point.state === "ok" && doubtful ? "warn" : point.state;
}

// Past a limit, though not yet for so long that its rule raises an alarm.
function outside({ value, limit }) {
  if (typeof value !== "number" || !limit) return false;
  return value > (limit.high ?? Infinity) || value < (limit.low ?? -Infinity);
}

function bigSlot(point, state, world) {
  if (state === "offline") return { text: t("big.offline"), word: true };
  if (state === "loading" || state === "early") return { text: t("big.loading"), word: true };
  if (point.quality !== "bad" && point.value !== null) return valueOf(point, point.value);
  if (state === "fault" || point.last_at === null) return { text: t("big.fault"), word: true };
  const silent = duration((world.now - point.last_at) / 1000);
  return { text: t("lasting", { duration: silent }), word: true };
}

export function valueOf(point, value) {
  if (typeof value === "number") {
    const seen = shown(value, point.unit);
    const text = number(seen.value, point.precision);
    return { text: beyond(point, value) ? t("tile.beyond", { n: text }) : text, unit: seen.unit };
  }
  if (typeof value === "string") return { text: value, word: true };
  const own = `value.${lastPart(point)}.${value}`;
  return { text: t(has(own) ? own : `value.${value}`), word: true };
}

// A forecast sees no further than the end of its range.
const beyond = (point, value) => lastPart(point) === "minutes_to_breach" && value >= (point.high ?? Infinity);

export function valueText(point, value) {
  const { text, unit } = valueOf(point, value);
  return unit ? withUnit(text, unit) : text;
}

function foot(point, state, alarm, world) {
  if (state === "stale" || state === "fault") {
    if (state === "fault" && point.reason) return t(`reason.${point.reason}`);
    if (point.last_at === null) return t("tile.never");
    return t("tile.last", { value: valueText(point, point.last) });
  }
  if (state === "warn" && point.reason) return t(`reason.${point.reason}`);
  if (alarm && (state === "alarm" || state === "life")) {
    return t("lasting", { duration: duration((world.now - alarm.since) / 1000) });
  }
  if (alarm?.acknowledged_at && state === "acknowledged") {
    return t("tile.by", { who: alarm.acknowledged_by, at: clock(alarm.acknowledged_at) });
  }
  return (state === "ok" && point.origin === "forecast" && outlookText(point, world)) || limitText(point);
}

// How sure a forecast is, or when what it foresees would be.
function outlookText(point, world) {
  if (lastPart(point) === "minutes_to_breach") {
    if (beyond(point, point.value)) return t("tile.not_within");
    if (point.value <= 0) return t("tile.passed");
    return t("tile.about", { at: clock(world.now + point.value * 60000) });
  }
  const [low, high] = ["low", "high"].map((end) => world.points.get(`${point.id}_${end}`)?.value ?? null);
  if (low === null || high === null) return "";
  return t("tile.likely", { low: valueOf(point, low).text, high: valueText(point, high) });
}

function limitText(point) {
  const { low = null, high = null } = point.limit ?? {};
  const show = (value) => figure(value, point.unit);
  if (low !== null && high !== null) return t("limit.band", { low: limit(shown(low, point.unit).value), high: show(high) });
  if (high !== null) return t("limit.max", { high: show(high) });
  return low === null ? "" : t("limit.min", { low: show(low) });
}

// Where band and value stand, in per cent of a range chosen so that nearness can be seen.
function rail(point) {
  if (typeof point.value !== "number" || !point.limit) return null;
  const { low, high } = point.limit;
  if (low === null && high === null) return null;
  const instrument = point.low === null || point.high === null ? 100 : point.high - point.low;
  const step = low !== null && high !== null ? high - low : Math.max(instrument * 0.08, 1);
  const from = Math.max(point.low ?? -Infinity, low === null ? high - 1.4 * step : low - 0.7 * step);
  const to = Math.min(point.high ?? Infinity, high === null ? low + 1.4 * step : high + 0.7 * step);
  const place = (value) => Math.min(100, Math.max(0, ((value - from) / (to - from)) * 100));
  return {
    from: low === null ? 0 : place(low),
    to: high === null ? 100 : place(high),
    now: place(point.value),
  };
}
