// Who is told of alarms: channels, the last messages, and a test for managers.
import { ask, once } from "./asking.js";
import { icon, make, plainButton, setChildren, setIcon, setText } from "./element.js";
import { setState, symbolOf } from "./look.js";
import { covers } from "./rights.js";
import { fillTable, when } from "./series.js";
import { count, t } from "./text.js";

const AGAIN_MS = 5000;
const TRY_MS = 20000; // the gateway waits some seconds for the first attempt
const SHOWN = 20;
const LOOKS = { ok: "ok", down: "fault", unused: "off" };

export class Told {
  #note = make("p", "empty");
  #said = make("p", "said");
  #rows = make("div", "rows");
  #table = make("table");
  #known = new Map();
  #found = null;
  #asked = -Infinity;
  #shape = "";
  node = make("div", "one", this.#said, this.#rows, this.#note, this.#table);

  constructor() {
    this.node.id = "channels";
    this.#said.ariaLive = "polite";
  }

  show({ session }, world) {
    const staff = covers(session?.role, "staff");
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent && staff) this.#ask();
    const { channels = [], notices = [], not_told: missed = 0 } = this.#found ?? {};
    const empty = t(this.#found ? "told.none" : staff ? "verdict.loading" : "told.staff");
    setText(this.#note, channels.length ? (missed ? t("told.missed", { n: count(missed) }) : "") : empty);
    this.#note.hidden = !this.#note.textContent;
    const may = covers(session?.role, "manager") && !world.silent;
    setChildren(this.#rows, channels.map((channel) => this.#row(channel, may, world)));
    this.#table.hidden = !notices.length;
    const shape = JSON.stringify([notices.slice(0, SHOWN), t("locale")]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    const head = [t("past.time"), t("told.message"), t("told.channel"), t("told.became")];
    fillTable(this.#table, head, notices.slice(0, SHOWN).map((it) => [when(it.at), it.title, it.channel, became(it)]));
  }

  async #ask() {
    this.#asked = performance.now();
    this.#found = (await ask("api/v1/notifications", AGAIN_MS)) ?? this.#found;
    dispatchEvent(new Event("redraw"));
  }

  #row(channel, may, world) {
    if (!this.#known.has(channel.id)) {
      const test = plainButton(() => this.#test(channel.id));
      const what = make("span", "what", make("b"), make("span", "why"));
      this.#known.set(channel.id, make("div", "row", icon("ok"), what, make("span", "figure"), test));
    }
    const row = this.#known.get(channel.id);
    const state = world.silent ? "offline" : LOOKS[channel.state];
    setState(row, state);
    setIcon(row.firstChild, state === "off" ? "hidden" : symbolOf(state));
    setText(row.querySelector("b"), channel.label || channel.id);
    setText(row.querySelector(".why"), whyOf(channel));
    setText(row.querySelector(".figure"), world.silent ? t("state.offline") : t(`told.state.${channel.state}`));
    row.lastChild.hidden = !may;
    setText(row.lastChild, t("told.test"));
    return row;
  }

  async #test(channel) {
    setText(this.#said, t("banner.sending"));
    const { ok, told } = await once("api/v1/notifications/test", { channel }, TRY_MS);
    const tried = (told?.notices ?? []).map((it) => [it.people.join(", "), became(it)].filter(Boolean).join(": "));
    setText(this.#said, ok ? [channel, ...tried].join(" · ") : (told?.detail ?? t("banner.again")));
    this.#asked = -Infinity;
  }
}

// What became of a message, and why it did not go.
const became = ({ state, error }) => [t(`told.became.${state}`), error].filter(Boolean).join(": ");

function whyOf({ kind, error, handed_over: done, waiting, failed, given_up: left }) {
  const counts = t("told.counts", { done: count(done), waiting: count(waiting), lost: count(failed + left) });
  return [kind, counts, error].filter(Boolean).join(" · ");
}
