// What a person has kept for themselves: on the gateway, so that it is there on every screen.
import { ask, put, withdraw } from "./asking.js";

const PATH = "api/v1/views";
const DEADLINE_MS = 6000;

// A list of { name, content }, or null while the gateway cannot say.
export async function views() {
  return (await ask(PATH, DEADLINE_MS))?.views ?? null;
}

export const keep = (name, content) => put(`${PATH}/${encodeURIComponent(name)}`, { content }, DEADLINE_MS);

export const forget = (name) => withdraw(`${PATH}/${encodeURIComponent(name)}`, DEADLINE_MS);
