// Who may come in: people, tablets, programs, and the code for the next phone.
import { ask } from "./asking.js";
import { icon, make, setChildren, setText } from "./element.js";
import { button } from "./form.js";
import { Invite } from "./invite.js";
import { Person } from "./person.js";
import { Proof, whyNot } from "./proof.js";
import { reachText } from "./reach.js";
import { covers } from "./rights.js";
import { Tablets } from "./tablets.js";
import { duration, t } from "./text.js";
import { Tokens } from "./tokens.js";

const AGAIN_MS = 10000;
const DEADLINE_MS = 6000;
const TABS = ["people", "tablets", "tokens", "phone"];
const ONE = "id/";

export class Place {
  #tabs = TABS.map((name) => button(`people.tab.${name}`, () => (location.hash = name === TABS[0] ? name : `${TABS[0]}/${name}`)));
  #bar = make("div", "ranges", ...this.#tabs.map(({ node }) => node));
  #note = make("p", "note");
  #prove = button("account.prove", () => this.#proof.ask());
  #proof = new Proof();
  #said = make("p", "said");
  #new = button("people.new", () => (location.hash = "people/new"));
  #list = make("div", "rows");
  #rows = new Map();
  #person = new Person((deed, to) => this.#run(deed, to));
  #parts = { tablets: new Tablets((deed, to) => this.#run(deed, to)), tokens: new Tokens((deed) => this.#run(deed)), phone: new Invite() };
  #people = null;
  #asked = { part: null, at: -Infinity, failed: false };
  #busy = false;
  #where = "";
  #kept = ""; // what is still to be said where a deed has led

  constructor(node) {
    this.#said.role = "status";
    const parts = Object.values(this.#parts).map((part) => part.node);
    node.append(this.#bar, this.#note, this.#prove.node, this.#proof.node, this.#said, this.#new.node, this.#list, this.#person.node, ...parts);
  }

  show(state, { subject, silent }) {
    const { session } = state;
    const may = covers(session?.role, "manager");
    const part = TABS.includes(subject) && (subject !== "tokens" || session?.role === "admin") ? subject : TABS[0];
    if (may && !silent) this.#ask(part);
    if (subject !== this.#where) this.#move(subject);
    this.#bar.hidden = !may;
    this.#tabs.forEach(({ node, show }, at) => {
      node.hidden = TABS[at] === "tokens" && session?.role !== "admin";
      node.ariaPressed = String(TABS[at] === part);
      show();
    });
    this.#prove.node.hidden = may || !covers(session?.own_role, "manager");
    this.#prove.show();
    for (const [name, each] of Object.entries(this.#parts)) {
      each.node.hidden = !may || name !== part;
      if (!each.node.hidden) each.show(state);
    }
    this.#showPeople(state, may && part === TABS[0], subject);
    setText(this.#note, this.#noted(session, may, part));
    this.#note.hidden = !this.#note.textContent;
  }

  #noted(session, may, part) {
    if (!may) return session ? t("audit.managers") : t("verdict.loading");
    if (this.#asked.failed) return t("audit.failed");
    return part !== TABS[0] || this.#people ? "" : t("verdict.loading");
  }

  #move(subject) {
    this.#where = subject;
    this.#person.leave();
    setText(this.#said, this.#kept);
    this.#kept = "";
  }

  async #ask(part) {
    if (this.#asked.part === part && performance.now() - this.#asked.at < AGAIN_MS) return;
    const asked = (this.#asked = { part, at: performance.now(), failed: this.#asked.failed });
    if (part !== TABS[0]) asked.failed = (await this.#parts[part].ask?.()) === false;
    else {
      const answer = await ask("api/v1/people", DEADLINE_MS);
      asked.failed = !answer;
      this.#people = answer?.people ?? this.#people;
    }
    dispatchEvent(new Event("redraw"));
  }

  // What the gateway answered once it was done, and nothing before; leads `to` there.
  async #run(deed, to = null) {
    if (this.#busy) return null;
    this.#busy = true;
    setText(this.#said, t("banner.sending"));
    const answer = await this.#proof.run(deed, () => setText(this.#said, ""));
    this.#busy = false;
    if (answer.ok && to) {
      this.#kept = t("people.done");
      location.assign(to);
      if (!to.startsWith("#")) return null;
    }
    this.#asked.at = -Infinity;
    setText(this.#said, answer.ok ? t("people.done") : whyNot(answer));
    this.#said.scrollIntoView({ block: "nearest" });
    dispatchEvent(new Event("redraw"));
    return answer.ok ? answer.told : null;
  }

  #showPeople(state, wanted, subject) {
    const id = subject.startsWith(ONE) ? subject.slice(ONE.length) : null;
    const person = this.#people?.find((each) => each.id === id);
    const form = wanted && (subject === "new" || Boolean(person));
    this.#person.node.hidden = !form;
    if (form) this.#person.show(state, id ?? "", person ?? null);
    this.#list.hidden = this.#new.node.hidden = !wanted || form;
    this.#new.show();
    if (!this.#list.hidden) setChildren(this.#list, (this.#people ?? []).map((each) => this.#row(each)));
  }

  #row({ id, label, role, password, pin, reach, wait_s: wait }) {
    if (!this.#rows.has(id)) {
      const made = make("a", "row", icon("account"), make("span", "what", make("b"), make("span", "why")));
      made.href = `#people/${ONE}${id}`;
      this.#rows.set(id, made);
    }
    const row = this.#rows.get(id);
    const [name, why] = row.lastChild.children;
    setText(name, label);
    const ways = [password && t("login.password"), pin && t("people.pin")].filter(Boolean).join(", ") || t("people.no_way");
    const locked = wait ? t("login.locked", { duration: duration(wait) }) : "";
    setText(why, [id, t(`role.${role}`), ways, reachText(reach), locked].filter(Boolean).join(" · "));
    return row;
  }
}
