// The service worker: the shell of the page while the gateway is away, and messages of alarms.
const KEPT = "shell";
const ASK_MS = 4000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// The gateway first, always; what it gave last only while it does not answer. Values are never kept.
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const shell = pathname === "/" || pathname.startsWith("/static/");
  if (request.method === "GET" && origin === self.location.origin && shell) event.respondWith(answered(request));
});

async function answered(request) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(ASK_MS) });
    if (answer.ok && !answer.redirected) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(request, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("push", (event) => {
  const { title, text: body } = told(event.data);
  event.waitUntil(self.registration.showNotification(title, { body, icon: "/static/favicon.svg" }));
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
  event.waitUntil(self.clients.openWindow("/#alarms"));
});
