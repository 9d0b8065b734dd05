// The catalogues: every word the page shows, and numbers and times in the site's zone.
import { shown } from "./units.js";

let languages = []; // { code, name }: one for each catalogue there is
let catalogue = {};
let zone;

export const language = () => document.documentElement.lang;

export async function load(wanted = language()) {
  languages = await fetched("languages");
  const { code } = languages.find((known) => known.code === wanted) ?? languages[0];
  catalogue = await fetched(code);
  document.documentElement.lang = code;
  catalogue["language.other"] = nextLanguage().name;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) node.ariaLabel = t(node.dataset.label);
  for (const node of document.querySelectorAll("[data-text='language.other']")) node.lang = nextLanguage().code;
}

const fetched = async (name) => (await fetch(`static/${name}.json`)).json();

export const allLanguages = () => languages;

function nextLanguage() {
  const here = languages.findIndex(({ code }) => code === language());
  return languages[(here + 1) % languages.length];
}

// While the gateway is away the page keeps its language.
export async function switchLanguage(wanted = nextLanguage().code) {
  try {
    await load(wanted);
    remember("language", language());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // a browser may forbid storage; the choice then lasts until the page is left
  }
}

export function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export const has = (key) => key in catalogue;

export function t(key, values = {}) {
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function useZone(name) {
  zone = name;
}

export function number(value, decimals = 0) {
  const size = Math.abs(Number(value.toFixed(decimals)));
  const large = size >= 100000;
  const fewer = size >= 1000 ? decimals : Number(size >= 100);
  const digits = large ? 1 : Math.max(0, decimals - fewer);
  const form = {
    minimumFractionDigits: large ? 0 : digits,
    maximumFractionDigits: digits,
    notation: large ? "compact" : "standard",
  };
  // The plain language writes a million as M; some of its regions write m, which is milli.
  return minus(new Intl.NumberFormat(large ? language() : t("locale"), form).format(value));
}

export const count = (value) => new Intl.NumberFormat(t("locale")).format(value);

export const limit = (value) =>
  minus(new Intl.NumberFormat(t("locale"), { maximumFractionDigits: 2 }).format(value));

export const unit = (ucum) => (has(`unit.${ucum}`) ? t(`unit.${ucum}`) : ucum);

export const withUnit = (text, ucum) => [text, unit(ucum)].filter(Boolean).join("\u00a0");

// A figure of the gateway, such as a limit, in the unit this person reads.
export function figure(value, ucum) {
  const seen = shown(value, ucum);
  return withUnit(limit(seen.value), seen.unit);
}

// A word for what is measured; one that is not in the catalogue as it is written.
export const metric = (name) => (has(`metric.${name}`) ? t(`metric.${name}`) : name.replaceAll("_", " "));

export const clock = (ms) => time(ms, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// How far the site's zone is ahead of UTC at that moment, in ms.
export function offset(ms) {
  const form = { hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" };
  try {
    const parts = new Intl.DateTimeFormat("en-US", { ...form, timeZone: zone }).formatToParts(ms);
    const { year, month, day, hour, minute } = Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(year, month - 1, day, hour, minute) - Math.floor(ms / 60000) * 60000;
  } catch {
    return 0; // a zone this browser lacks
  }
}

export const date = (ms) => time(ms, { month: "short", day: "numeric", weekday: "short" });

export const weekday = (ms) => time(ms, { weekday: "short" });

export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return t("duration.s", { s });
  const min = Math.floor(s / 60);
  if (min < 60) return t("duration.min", { min });
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 ? t("duration.h_min", { h, min: min % 60 }) : t("duration.h", { h });
  return t("duration.d", { d: Math.floor(h / 24) });
}

function time(ms, form) {
  try {
    return new Intl.DateTimeFormat(t("locale"), { ...form, timeZone: zone }).format(ms);
  } catch {
    return new Intl.DateTimeFormat(t("locale"), form).format(ms); // a zone this browser lacks
  }
}

export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const minus = (text) => text.replace("-", "\u2212");
