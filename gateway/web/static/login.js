// The login page: name tiles and PIN on a paired tablet, name and password, a code, the first admin.
import { WRITING } from "./asking.js";
import { make, setChildren, setText } from "./element.js";
import { allLanguages, duration, language, load, switchLanguage, t } from "./text.js";

const ANSWER_MS = 60000; // fifty people may be logging in on a small board
const PIN_DIGITS = 6;
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "erase", "0", "back"];

const byId = (id) => document.getElementById(id);
const page = document.querySelector("main");
const parts = [...document.querySelectorAll("[data-way]")];
const query = new URLSearchParams(location.search);
let known = { pairing: false, tablet: null, people: [] };
let way = "name";
let whose = null;
let typed = "";
let busy = false;
let complaint = query.has("error") ? () => t(query.get("error") === "wait" ? "login.wait" : "login.refused") : null;

const ways = () => [
  ...(known.people.length ? ["tiles"] : []),
  ...(known.pairing ? ["pair"] : ["name"]),
  "code",
];
const nameOf = { tiles: "login.by_tile", name: "login.by_name", code: "login.by_code", pair: "pair.title" };

function draw() {
  for (const part of parts) part.hidden = part.dataset.way !== way;
  page.className = way === "tiles" || way === "pin" ? "broad" : "";
  byId("error").hidden = !complaint;
  byId("error").textContent = complaint?.() ?? "";
  fill(byId("tiles"), known.people, tileOf);
  byId("whose").textContent = whose ? t("login.pin", { name: whose.label }) : "";
  setText(byId("dots"), "●".repeat(typed.length) + "○".repeat(PIN_DIGITS - typed.length));
  fill(byId("pad"), KEYS, keyOf);
  const others = ways().filter((other) => other !== way).map((other) => button(t(nameOf[other]), () => choose(other)));
  const look = known.tablet ? [button(t("login.look"), () => location.assign("./"))] : [];
  const next = allLanguages().filter(({ code }) => code !== language());
  const languages = next.map(({ code, name }) => button(name, () => switchLanguage(code).then(draw)));
  setChildren(byId("ways"), [...look, ...others, ...languages]);
  const used = known.unclaimed && !known.pairing;
  byId("tablet").hidden = !known.tablet && !used;
  byId("tablet").textContent = known.tablet ? t("login.tablet", { name: known.tablet }) : used ? t("pair.used") : "";
}

// Made anew only when it says something else: what is under a finger or has the focus stays.
function fill(node, items, make) {
  const shape = JSON.stringify([language(), items]);
  if (node.dataset.shape === shape) return;
  node.dataset.shape = shape;
  setChildren(node, items.map(make));
}

function button(text, press) {
  const made = make("button", "plain", text);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

function tileOf(person) {
  const tile = button(person.label, () => {
    whose = person;
    typed = "";
    choose("pin");
  });
  tile.dataset.person = person.id;
  return tile;
}

function keyOf(key) {
  const digit = /\d/.test(key);
  const made = button(digit ? key : t(`login.${key}`), () => press(key));
  made.classList.toggle("word", !digit);
  made.dataset.key = key;
  return made;
}

function press(key) {
  if (busy || way !== "pin") return;
  if (key === "back") return choose("tiles");
  typed = key === "erase" ? typed.slice(0, -1) : (typed + key).slice(0, PIN_DIGITS);
  complaint = null;
  draw();
  if (typed.length === PIN_DIGITS) enter("api/v1/session", { person: whose.id, pin: typed });
}

function choose(wanted) {
  way = wanted;
  complaint = null;
  draw();
  parts.find((part) => part.dataset.way === way).querySelector("input,button")?.focus();
}

// The cookie comes with the answer; the page then shows what this person may see.
async function enter(path, body) {
  if (busy) return;
  busy = true;
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await fetch(path, { method: "POST", headers: WRITING, body: JSON.stringify(body), signal });
    if (answer.ok) return location.assign("./");
    const problem = await answer.json();
    complaint = () => saying(answer.status, problem);
  } catch {
    complaint = () => t("login.away");
  } finally {
    busy = false;
  }
  typed = "";
  draw();
}

function saying(status, { type, wait_s: wait, detail }) {
  if (type?.endsWith(":busy")) return t("login.busy", { duration: duration(wait) });
  if (status === 429) return t("login.locked", { duration: duration(wait) });
  if (status === 401) return t(way === "code" || way === "pair" ? "login.refused" : "login.wrong");
  return detail;
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const path = form.dataset.way === "pair" ? "api/v1/pairing" : "api/v1/session";
    enter(path, Object.fromEntries(new FormData(form)));
  });
}
addEventListener("keydown", ({ key }) => {
  if (way === "pin" && /^\d$/.test(key)) press(key);
  if (way === "pin" && key === "Backspace") press("erase");
});

await load();
draw();
try {
  const answer = await fetch("api/v1/session/ways");
  if (answer.ok) known = await answer.json();
  way = complaint ? "code" : ways()[0];
} catch {
  complaint = () => t("login.away");
}
draw();
if (query.has("code")) enter("api/v1/session", { secret: query.get("code") });
