// What the gateway wants with everything that changes something: the page of another site cannot send it.
export const WRITING = { "X-Kitchen-Page": "1" };

// Asking the gateway: JSON, or null while it cannot say; who is not logged in is sent there, unless `stay`.
export async function ask(path, milliseconds, stay = false) {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(milliseconds) });
    if (answer.status === 401 && !stay) location.assign("/login");
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// Doing something: null once it is done, else why not in the gateway's words, empty if it said none.
export const send = (path, body, milliseconds) => change("POST", path, body, milliseconds);

// Keeping something under its name; answers alike.
export const put = (path, body, milliseconds) => change("PUT", path, body, milliseconds);

// Taking something back; answers alike.
export const withdraw = (path, milliseconds, body = null) => change("DELETE", path, body, milliseconds);

async function change(method, path, body, milliseconds) {
  try {
    const signal = AbortSignal.timeout(milliseconds);
    const answer = await fetch(path, { method, headers: WRITING, body: body && JSON.stringify(body), signal });
    if (answer.status === 401) location.assign("/login");
    return answer.ok ? null : ((await answer.json()).detail ?? "");
  } catch {
    return "";
  }
}
