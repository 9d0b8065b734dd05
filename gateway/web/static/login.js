// The login page: its words, and why the last try was refused.
import { load, switchLanguage, t } from "./text.js";

const error = document.getElementById("error");
const reason = new URLSearchParams(location.search).get("error");

function show() {
  error.hidden = reason === null;
  error.textContent = t(reason === "wait" ? "login.wait" : "login.refused");
}

document.getElementById("language").addEventListener("click", async () => {
  await switchLanguage();
  show();
});
await load();
show();
