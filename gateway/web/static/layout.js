// How this screen is laid out: kept on the gateway, for a tablet by its name, else for the person.
import { ask } from "./asking.js";

export const LAYOUTS = "api/v1/layouts";
export const OWN = "_"; // a person's, so that no tablet of that name has it too
const DEADLINE_MS = 3000;

// `settled`: nobody waits for it any more; `all`: those of every screen; `tag`: what was read of this one's.
export const layout = { settled: false, name: "", all: [], tag: "" };

const list = (value) => (Array.isArray(value) ? value : []);

export const kept = (name = layout.name) => layout.all.find((it) => it.name === name)?.content;

export async function learnLayout(session) {
  const [told, found] = await Promise.all([session, ask(LAYOUTS, DEADLINE_MS, true)]);
  if (!told || !found) return;
  layout.name = (told.tablet || OWN + told.user).replace(/[^\p{L}\p{N}_ -]/gu, "_");
  layout.all = found.layouts;
  readFrom(found);
}

export function readFrom({ layouts }) {
  layout.tag = layouts.find(({ name }) => name === layout.name)?.tag;
}

export const zonesOf = (content = kept()) => list(content?.zones).filter(Boolean);

// { id, zone, hidden, large } in the order of this screen; what is new comes last in its zone.
export function arranged(points, content = kept()) {
  if (!content) return points;
  const groups = new Map();
  const known = new Map(points.map((point) => [point.id, point]));
  const add = (zone, id) => groups.set(zone, [...(groups.get(zone) ?? []), id]);
  for (const { zone = "", tiles } of zonesOf(content)) {
    groups.set(zone, groups.get(zone) ?? []);
    for (const id of list(tiles)) if (known.delete(id)) add(zone, id);
  }
  for (const { id, zone } of known.values()) add(zone, id);
  const [hidden, large] = [new Set(list(content.hidden)), new Set(list(content.large))];
  const tile = (id, zone) => ({ id, zone, hidden: hidden.has(id), large: large.has(id) });
  return [...groups].flatMap(([zone, ids]) => ids.map((id) => tile(id, zone)));
}

// What a person has hidden comes back while it is in alarm, silent or broken.
export const seen = ({ hidden }, { state, reason }) =>
  !hidden || (state !== "ok" && !(reason === "not_started" && (state === "stale" || state === "fault")));
