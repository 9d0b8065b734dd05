// Goes with every change: the page of another site cannot send it.
export const WRITING = { "X-Kitchen-Page": "1" };
const AGAIN_MS = 60000; // so long the same pressed once more is the deed whose answer was lost

const lost = new Map(); // what was sent and had no answer: its key, and when

// JSON, or null while the gateway cannot say; who is not logged in is sent there, unless `stay`.
export async function ask(path, milliseconds, stay = false) {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(milliseconds) });
    if (answer.status === 401 && !stay) location.assign("login");
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// Null once it is done, else why not in the gateway's words, empty if it said none.
export const send = (path, body, milliseconds) => why(write("POST", path, body, milliseconds));

// Doing what would be done twice if it were sent twice; answers alike.
export const sendOnce = (path, body, milliseconds) => why(once(path, body, milliseconds));

export const put = (path, body, milliseconds) => why(write("PUT", path, body, milliseconds));

export const withdraw = (path, milliseconds) => why(write("DELETE", path, null, milliseconds));

async function why(writing) {
  const { ok, told } = await writing;
  return ok ? null : (told?.detail ?? "");
}

// { ok, kind, told }: what the gateway calls a refusal, and all it said; without an answer no kind.
export async function write(method, path, body, milliseconds, more = {}) {
  try {
    const headers = { ...WRITING, ...more };
    const signal = AbortSignal.timeout(milliseconds);
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal });
    const told = await answer.json().catch(() => null);
    const kind = answer.ok ? "done" : (told?.type ?? "").split(":").pop();
    if (kind === "no-login") location.assign("login");
    return { ok: answer.ok, kind, told };
  } catch {
    return { ok: false, kind: "", told: null };
  }
}

// Only what was read is replaced: by its tag, empty for nothing.
export const asRead = (tag = "") => ({ "If-Match": `"${tag}"` });

// Sent with a key, by which the gateway knows what it has done already and only answers again.
export async function once(path, body, milliseconds) {
  for (const [deed, { at }] of lost) if (performance.now() - at > AGAIN_MS) lost.delete(deed);
  const deed = `${path} ${JSON.stringify(body)}`;
  const key = lost.get(deed)?.key ?? newKey();
  lost.delete(deed);
  const answer = await write("POST", path, body, milliseconds, { "Idempotency-Key": key });
  if (!answer.kind || answer.kind === "still-running") lost.set(deed, { key, at: performance.now() });
  return answer;
}

// 128 random bits; what makes a UUID is there over HTTPS only.
const newKey = () => [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");
