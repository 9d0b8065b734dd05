// The line at the top of every place: how the kitchen is, what must not be forgotten, the time.
import { setIcon, setText } from "./element.js";
import { look } from "./look.js";
import { hidden, waiting } from "./notices.js";
import { unset } from "./problems.js";
import { cloudLook } from "./strip.js";
import { clock, date, t } from "./text.js";

const byId = (id) => document.getElementById(id);

export function paintHeader(state, points, world) {
  const { symbol, text, mood } = verdict(state, points, world);
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
  showBadge(byId("badge"), state.alarms.filter(waiting).length);
  showCloud(byId("cloud"), state, world);
}

// A count of what is hidden, on every page, so that none of it is forgotten.
function showHidden(node, alarms) {
  const n = alarms.filter(hidden).length;
  node.hidden = !n;
  setIcon(node.firstElementChild, "hidden");
  setText(node.lastElementChild, t("alarms.hidden", { n }));
}

function showBadge(node, n) {
  node.hidden = !n;
  setText(node, String(n));
}

function showCloud(node, { cloud }, world) {
  node.hidden = !cloud?.configured || world.silent > 0;
  if (!cloud) return;
  const view = cloudLook(cloud, world.now);
  node.dataset.state = view.state;
  setIcon(node.firstElementChild, view.symbol);
  setText(node.lastElementChild, view.short);
}

function verdict(state, points, world) {
  if (world.silent) return { symbol: "offline", text: t("state.offline"), mood: "mute" };
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
