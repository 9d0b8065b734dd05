// Asking the gateway: JSON, or null while it cannot say; who is not logged in is sent there.
export async function ask(path, milliseconds) {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(milliseconds) });
    if (answer.status === 401) location.assign("/login");
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
