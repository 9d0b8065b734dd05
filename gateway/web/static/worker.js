// The shell of the page while the gateway is away, and messages of alarms.
const KEPT = "shell";
const ASK_MS = 4000;
const AWAY = 502; // from here on a proxy speaks for a gateway that does not answer
const HOME = new URL(self.registration.scope).pathname; // the gateway may be below a path of a proxy

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// The gateway first; what it gave last only while it does not answer. Values are never kept.
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const shell = pathname === HOME || pathname.startsWith(`${HOME}static/`);
  if (request.method === "GET" && origin === self.location.origin && shell) event.respondWith(answered(request));
});

async function answered(request) {
  const cache = await caches.open(KEPT);
  const asking = asked(request, cache);
  const answer = await Promise.race([asking, new Promise((late) => setTimeout(late, ASK_MS))]);
  if (answer && answer.status < AWAY) return answer;
  // What was never kept is waited for: a page without one of its parts is no page.
  return (await cache.match(request, { ignoreVary: true })) ?? (await asking) ?? Response.error();
}

async function asked(request, cache) {
  const answer = await fetch(request).catch(() => null);
  if (answer?.ok && !answer.redirected) await cache.put(request, answer.clone());
  return answer;
}

self.addEventListener("push", (event) => {
  const { title, text: body } = told(event.data);
  event.waitUntil(self.registration.showNotification(title, { body, icon: "favicon.svg" }));
});

function told(data) {
  try {
    return data.json();
  } catch {
    return { title: data?.text() ?? "", text: "" };
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow("../#alarms"));
});
