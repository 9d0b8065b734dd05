// Who did what: every action of a person, a program or the cloud, newest first.
import { ask } from "./asking.js";
import { make, plainButton, setText } from "./element.js";
import { covers } from "./rights.js";
import { download, fillTable, when } from "./series.js";
import { has, t } from "./text.js";

const PAGE = 100;
const DEADLINE_MS = 10000;
const HEAD = ["time", "who", "what", "about", "where"];

export class Place {
  #note = make("p", "note");
  #table = make("table");
  #more = plainButton(() => this.#ask(this.#next));
  #newest = plainButton(() => this.#ask(null));
  #file = plainButton(() => this.#export());
  #entries = [];
  #next = null;
  #state = ""; // nothing asked yet, "asking", "shown" or "failed"
  #shape = "";

  constructor(node) {
    node.append(this.#note, make("div", "choices", this.#newest, this.#file), this.#table, this.#more);
  }

  show({ session }, world) {
    const may = covers(session?.role, "manager");
    if (session && may && !this.#state && !world.silent) this.#ask(null);
    const known = this.#entries.length > 0;
    setText(this.#note, this.#said(session, may));
    this.#note.hidden = !this.#note.textContent;
    setText(this.#newest, t("audit.newest"));
    setText(this.#file, t("analysis.export"));
    setText(this.#more, t("audit.more"));
    this.#newest.hidden = !may;
    for (const node of [this.#file, this.#table]) node.hidden = !known;
    this.#more.hidden = this.#next === null;
    for (const each of [this.#newest, this.#more]) each.disabled = world.silent > 0 || this.#state === "asking";
    this.#fill();
  }

  #said(session, may) {
    if (session && !may) return t("audit.managers");
    if (this.#state === "failed") return t("audit.failed");
    if (this.#failing) return t("audit.unsigned", { why: this.#failing });
    if (this.#entries.length) return "";
    return t(this.#state === "shown" ? "audit.none" : "verdict.loading");
  }

  #failing = null;

  async #ask(before) {
    this.#state = "asking";
    const query = new URLSearchParams(before === null ? { limit: PAGE } : { limit: PAGE, before });
    const answer = await ask(`api/v1/audit?${query}`, DEADLINE_MS);
    this.#state = answer ? "shown" : "failed";
    if (answer) {
      this.#entries = [...(before === null ? [] : this.#entries), ...answer.entries];
      [this.#next, this.#failing] = [answer.next, answer.failing];
    }
    dispatchEvent(new Event("redraw"));
  }

  #fill() {
    const shape = [t("locale"), this.#entries.length, this.#entries[0]?.n].join();
    if (shape === this.#shape) return;
    this.#shape = shape;
    fillTable(this.#table, HEAD.map((name) => t(`audit.${name}`)), this.#entries.map(cellsOf));
  }

  #export() {
    const rows = this.#entries.map(({ n, hash, entry }) => {
      const { at, by, role, origin, peer, action, about, refused } = entry ?? {};
      return [n, at ? new Date(at).toISOString() : "", by, role, origin, peer, action, about, refused, JSON.stringify(entry?.detail ?? {}), hash];
    });
    const head = ["n", "at", "by", "role", "origin", "peer", "action", "about", "refused", "detail", "hash"];
    download("audit.csv", head, rows);
  }
}

function cellsOf({ n, entry }) {
  if (!entry) return [`#${n}`, "", t("audit.unreadable"), "", ""];
  const action = has(`audit.action.${entry.action}`) ? t(`audit.action.${entry.action}`) : entry.action.replaceAll("_", " ");
  const what = entry.refused ? t("audit.refused", { action, why: String(entry.refused) }) : action;
  const role = has(`role.${entry.role}`) ? t(`role.${entry.role}`) : entry.role;
  const detail = Object.entries(entry.detail ?? {}).map(([name, value]) => `${name}: ${String(value)}`);
  const origin = has(`audit.origin.${entry.origin}`) ? t(`audit.origin.${entry.origin}`) : entry.origin;
  return [
    when(entry.at),
    [entry.by, role].filter(Boolean).join(", "),
    what,
    [entry.about, ...detail].filter(Boolean).join(" · "),
    [origin, entry.peer].filter(Boolean).join(" "),
  ];
}
