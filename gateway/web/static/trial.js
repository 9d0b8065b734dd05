// What the rules would have done last week: those in force, or with an edited file.
import { write } from "./asking.js";
import { make, plainButton, setChildren, setText } from "./element.js";
import { covers } from "./rights.js";
import { clock, date, duration, t } from "./text.js";

const DEADLINE_MS = 120000;
const SHOWN_MAX = 200;

export class Trial {
  #summary = make("summary");
  #intro = make("p");
  #week = plainButton(() => this.#ask("GET", null));
  #said = make("p", "said");
  #problems = make("ol", "problems");
  #table = make("table");
  node = make("details", "trial", this.#summary);

  constructor() {
    this.#said.ariaLive = "polite";
    this.#problems.hidden = true;
    this.node.append(make("div", "inside", this.#intro, this.#week, this.#said, this.#problems, this.#table));
  }

  show(session, world, wanted) {
    this.node.hidden = !wanted || !covers(session?.role, "manager");
    setText(this.#summary, t("trial.title"));
    setText(this.#intro, t("trial.intro"));
    setText(this.#week, t("trial.week"));
    this.#week.disabled = Boolean(world.silent || this.busy);
  }

  // A text of that file of rules, beside all other files.
  tryFile(file, rules) {
    this.node.open = true;
    this.node.scrollIntoView();
    this.#ask("POST", { file, rules });
  }

  async #ask(method, wanted) {
    this.busy = true;
    setText(this.#said, t("trial.busy"));
    setChildren(this.#problems, []);
    dispatchEvent(new Event("redraw"));
    const { ok, told } = await write(method, "api/v1/rules/test", wanted, DEADLINE_MS);
    if (told) this.#tell(ok, told);
    else setText(this.#said, t("control.code.failed"));
    this.busy = false;
    this.#problems.hidden = !this.#problems.childElementCount;
    dispatchEvent(new Event("redraw"));
  }

  #tell(done, answer) {
    setChildren(this.#table, []);
    if (!done) {
      setText(this.#said, answer.problems ? t("trial.refused") : answer.detail);
      setChildren(this.#problems, (answer.problems ?? []).map((each) => problem(each)));
      return;
    }
    const span = [answer.from, answer.until].map((at) => `${date(at)} ${clock(at)}`);
    const { alarms, commands } = answer.after;
    const told = [t("trial.span", { from: span[0], to: span[1] }), t("trial.did", { alarms, commands })];
    if (answer.before) told.push(t("trial.same", { n: answer.differences.length, same: answer.same }));
    if (answer.more) told.push(t("config.more", { n: answer.more }));
    if (answer.after.unseen.length) told.push(t("trial.unseen", { points: answer.after.unseen.join(", ") }));
    setText(this.#said, told.join(" · "));
    const rows = answer.before ? answer.differences.map(difference) : answer.episodes.map(episode);
    const keys = ["time", "what", "lasted", "cause"];
    const head = make("tr", "", ...keys.map((key) => make("th", "", t(`trial.${key}`))));
    setChildren(this.#table, rows.length ? [head, ...rows.slice(0, SHOWN_MAX).map(line)] : []);
  }
}

const line = (cells) => make("tr", "", ...cells.map((cell) => make("td", "", cell)));

function episode({ what, name, value, start, end, began }) {
  const lasted = end === null ? t("trial.lasts") : duration((end - start) / 1000);
  return [`${date(start)} ${clock(start)}`, [t(`trial.${what}`), name, wordOf(what, value)].join(" · "), lasted, causeOf(began)];
}

function difference({ kind, before, after }) {
  const cells = episode(after ?? before);
  return [cells[0], `${t(`trial.kind.${kind}`)}: ${cells[1]}`, ...cells.slice(2)];
}

const wordOf = (what, value) => (what === "alarm" ? t(`rules.priority.${value}`) : t(`value.state.${value}`));

function causeOf(cause) {
  if (!cause) return "";
  const value = cause.value ?? t(`reason.${cause.reason}`);
  const word = typeof value === "boolean" ? t(`value.${value}`) : value;
  return `${cause.point} = ${word}, ${clock(cause.at)}`;
}

// Where it is and what; the file only where it is another than the one looked at.
export function problem({ file, line: row, column, path, message }, own = file) {
  const place = `${file === own ? "" : `${file}:`}${row}:${column}`;
  return make("li", "", make("b", "", [place, path].filter(Boolean).join(" · ")), make("span", "", message));
}
