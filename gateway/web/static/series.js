// What a point did over a time: asked of the gateway, and as rows a chart and a table show.
import { ask } from "./asking.js";
import { make, setChildren } from "./element.js";
import { clock, date } from "./text.js";
import { shown } from "./units.js";

const DEADLINE_MS = 20000;
const QUOTE = "\x22";

// Null while the gateway cannot say.
export const history = (query) => ask(`api/v1/history?${new URLSearchParams(query)}`, DEADLINE_MS);

// Rows of any step as { at, low, value, high, why } in the viewer's unit; no number is a gap,
// and why tells what of a row was not good.
export function rowsOf({ columns, rows }, unit) {
  const at = (name) => columns.indexOf(name);
  const value = at("mean") < 0 ? at("value") : at("mean");
  const [low, high] = at("mean") < 0 ? [value, value] : [at("min"), at("max")];
  const why = Math.max(at("reason"), at("worst"));
  const figure = (cell) => (cell === null || typeof cell === "string" ? null : shown(Number(cell), unit).value);
  return rows.map((row) => ({
    at: row[at("at")],
    low: figure(row[low]),
    value: figure(row[value]),
    high: figure(row[high]),
    why: row[why] ?? null,
  }));
}

export const when = (at) => `${date(at)} ${clock(at)}`;

// A table of texts: the words of its head, then a list of cells for each row.
export function fillTable(table, head, rows) {
  const line = (kind, cells) => make("tr", "", ...cells.map((cell) => make(kind, "", cell)));
  setChildren(table, [line("th", head), ...rows.map((cells) => line("td", cells))]);
}

// A file of comma-separated values, made here and given to the browser to keep.
export function download(name, head, rows) {
  const field = (cell) => {
    const text = String(cell ?? "");
    // A spreadsheet would run a text that begins like a formula.
    const safe = /^[=+@\t\r]/.test(text) || (/^-/.test(text) && Number.isNaN(Number(text))) ? `'${text}` : text;
    return /[\x22,\n]/.test(safe) ? ["", safe.replaceAll(QUOTE, QUOTE + QUOTE), ""].join(QUOTE) : safe;
  };
  const lines = [head, ...rows].map((cells) => cells.map(field).join(","));
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([`\ufeff${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), DEADLINE_MS);
}
