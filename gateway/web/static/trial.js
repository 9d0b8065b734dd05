// What the rules would have done last week: those in force, or others a manager writes down.
import { WRITING } from "./asking.js";
import { make, setChildren, setText } from "./element.js";
import { clock, date, duration, t } from "./text.js";

const DEADLINE_MS = 120000;
const SHOWN_MAX = 200;
const MANAGERS = ["manager", "admin"];

export class Trial {
  #summary = make("summary");
  #intro = make("p");
  #label = make("label");
  #text = make("textarea");
  #buttons = ["week", "edited"].map((name) => this.#button(name));
  #said = make("p", "said");
  #problems = make("ol", "problems");
  #table = make("table");
  node = make("details", "trial", this.#summary);

  constructor() {
    this.#text.id = "trial-rules";
    this.#text.rows = 8;
    this.#text.spellcheck = false;
    this.#text.lang = "en";
    this.#label.htmlFor = this.#text.id;
    this.#said.ariaLive = "polite";
    this.#problems.hidden = true;
    const [week, edited] = this.#buttons;
    const body = [this.#intro, week, this.#label, this.#text, edited, this.#said, this.#problems, this.#table];
    this.node.append(make("div", "inside", ...body));
  }

  show(session, world, wanted) {
    this.node.hidden = !wanted || !MANAGERS.includes(session?.role);
    setText(this.#summary, t("trial.title"));
    setText(this.#intro, t("trial.intro"));
    setText(this.#label, t("trial.rules"));
    for (const button of this.#buttons) {
      setText(button, t(`trial.${button.dataset.try}`));
      button.disabled = Boolean(world.silent || this.busy);
    }
  }

  #button(name) {
    const button = make("button", "plain");
    button.type = "button";
    button.dataset.try = name;
    button.addEventListener("click", () => this.#try(name));
    return button;
  }

  async #try(name) {
    this.busy = true;
    setText(this.#said, t("trial.busy"));
    setChildren(this.#problems, []);
    dispatchEvent(new Event("redraw"));
    const body = JSON.stringify({ rules: this.#text.value });
    const options = name === "week" ? {} : { method: "POST", headers: WRITING, body };
    try {
      const answer = await fetch("api/v1/rules/test", { ...options, signal: AbortSignal.timeout(DEADLINE_MS) });
      if (answer.status === 401) location.assign("login");
      this.#tell(answer.ok, await answer.json());
    } catch {
      setText(this.#said, t("control.code.failed"));
    }
    this.busy = false;
    this.#problems.hidden = !this.#problems.childElementCount;
    dispatchEvent(new Event("redraw"));
  }

  #tell(done, answer) {
    setChildren(this.#table, []);
    if (!done) {
      setText(this.#said, answer.problems ? t("trial.refused") : answer.detail);
      setChildren(this.#problems, (answer.problems ?? []).map(problem));
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

function problem({ line: row, column, path, message }) {
  return make("li", "", make("b", "", [`${row}:${column}`, path].filter(Boolean).join(" · ")), make("span", "", message));
}
