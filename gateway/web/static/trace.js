// What a rule has done, and what led to it: from the effect back to the rule and the reading.
import { ask } from "./asking.js";
import { make, setChildren, setText } from "./element.js";
import { valueText } from "./look.js";
import { clock, date, has, t } from "./text.js";

const WEEK = 7 * 86400000;
const AGAIN_MS = 30000;
const DEADLINE_MS = 20000;
const SHOWN_MAX = 100;

export class Trace {
  #title = make("h3");
  #note = make("p", "note");
  #table = make("table");
  #rule = "";
  #points = new Map();
  #asked = -Infinity;
  node = make("section", "", this.#title, this.#note, this.#table);

  show(rule, world) {
    setText(this.#title, t("trace.title"));
    if (rule !== this.#rule) {
      [this.#rule, this.#asked] = [rule, -Infinity];
      setChildren(this.#table, []);
      this.#say("verdict.loading");
    }
    this.#points = world.points;
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent) this.#ask(world);
  }

  async #ask(world) {
    this.#asked = performance.now();
    const rule = this.#rule;
    const to = Math.round(world.now) + 1;
    const query = new URLSearchParams({ from: to - WEEK, to });
    const answer = await ask(`api/v1/events?${query}`, DEADLINE_MS);
    if (rule !== this.#rule) return;
    if (answer) this.#fill(rule, answer);
    else this.#say("point.failed");
  }

  #fill(rule, { events, labels, complete }) {
    const own = events.filter((event) => involves(rule, event)).slice(0, SHOWN_MAX);
    const head = make("tr", "", ...["time", "effect", "cause"].map((key) => make("th", "", t(`trace.${key}`))));
    const rows = own.map((event) => {
      const cells = [`${date(event.at)} ${clock(event.at)}`, effectOf(event), causeOf(event, labels, this.#points)];
      return make("tr", "", ...cells.map((cell) => make("td", "", cell)));
    });
    setChildren(this.#table, own.length ? [head, ...rows] : []);
    this.#say(own.length ? (complete ? "" : "past.incomplete") : "trace.none");
  }

  #say(key) {
    setText(this.#note, key && t(key));
    this.#note.hidden = !key;
  }
}

function involves(rule, { kind, data }) {
  const chain = data.chain ?? [];
  return data.rule === rule || (kind === "alarm" && data.id === rule) || data.cause === `rule/${rule}` || chain.includes(`rule ${rule}`);
}

// What happened, in a word: an alarm raised, an output driven, a message written.
function effectOf({ kind, label, data }) {
  if (kind === "alarm") return [label, t(`verb.${data.verb}`), data.by].filter(Boolean).join(" · ");
  if (kind === "command") return [label, t(`value.state.${data.value}`)].join(" · ");
  const verb = data.verb && has(`trace.verb.${data.verb}`) ? t(`trace.verb.${data.verb}`) : (data.verb ?? data.text ?? data.value ?? "");
  return [t(`trace.kind.${kind}`), data.mode ?? data.timer ?? "", verb].filter(Boolean).join(" · ");
}

// Each link of the chain by its name, from the reading on; else what the row itself says.
function causeOf({ kind, data }, labels, points) {
  const links = data.chain ?? (data.point ? [`point ${data.point}`] : []);
  const told = links.map((link) => {
    const [what, id, ...rest] = link.split(" ");
    const name = labels[id] || id;
    const word = rest.length && has(`verb.${rest[0]}`) ? t(`verb.${rest[0]}`) : "";
    return [t(`trace.link.${what}`), name, word].filter(Boolean).join(" ");
  });
  const raised = kind === "alarm" && data.verb === "raise" && data.value !== null;
  return [...told, ...(raised ? [valueOf(data.value, points.get(data.point))] : [])].join(" → ");
}

const valueOf = (value, point) => (point ? valueText(point, value) : String(value));
