// Before the first paint: the language and the theme this screen was last set to.
(() => {
  const root = document.documentElement;
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // a browser may forbid storage; the page works without
    }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const theme = kept("theme") ?? "auto";
    root.dataset.theme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
  };
  root.lang = kept("language") ?? navigator.language.split("-")[0];
  paint();
  dark.addEventListener("change", paint);
  addEventListener("themechange", paint);
})();
// A page that misses a part begins anew.
addEventListener("load", () => setTimeout(() => document.querySelector("#notices:not([role])") && location.reload(), 15000));
