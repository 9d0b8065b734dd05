// Only over HTTPS: a shell without the gateway, a screen that stays on.
export function settle() {
  const link = document.createElement("link");
  link.rel = "manifest";
  link.href = "static/app.webmanifest";
  document.head.append(link);
  navigator.serviceWorker?.register("static/worker.js", { scope: "./" }).catch(refused);
  stayAwake();
  document.addEventListener("visibilitychange", stayAwake);
}

// Given back by the browser whenever the page is out of sight.
function stayAwake() {
  if (document.visibilityState === "visible") navigator.wakeLock?.request("screen").catch(refused);
}

// The page works without: a browser may refuse it.
function refused(error) {
  if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
}
