// Who is logged in here: leaving, here or everywhere else, and unlocking settings.
import { write } from "./asking.js";
import { make, setText } from "./element.js";
import { button } from "./form.js";
import { Proof, whyNot } from "./proof.js";
import { covers } from "./rights.js";
import { t } from "./text.js";

const ANSWER_MS = 30000;

export class Place {
  #who = make("p", "who");
  #said = make("p", "said");
  #proof = new Proof();
  #enter = button("account.enter", () => location.assign("login"));
  #leave = button("account.leave", () => this.#end("logout"));
  #everywhere = button("account.everywhere", () => this.#end("api/v1/session/end-all"));
  #prove = button("account.prove", () => this.#unlock());

  constructor(node) {
    this.#said.role = "status";
    const buttons = [this.#enter, this.#leave, this.#everywhere, this.#prove];
    node.append(this.#who, this.#said, this.#proof.node, make("div", "choices", ...buttons.map((each) => each.node)));
  }

  show({ session }) {
    if (!session) return;
    const { label, role, kind, own_role: own, proven, tablet } = session;
    setText(this.#who, [label, t(`role.${role}`), tablet !== label && tablet].filter(Boolean).join(" · "));
    const here = kind === "session";
    this.#enter.node.hidden = here;
    this.#leave.node.hidden = this.#everywhere.node.hidden = !here;
    this.#prove.node.hidden = !here || !covers(own, "manager") || proven;
    for (const each of [this.#enter, this.#leave, this.#everywhere, this.#prove]) each.show();
  }

  async #end(path) {
    const answer = await write("POST", path, null, ANSWER_MS);
    if (answer.ok && path === "logout") location.assign("login");
    else setText(this.#said, answer.ok ? t("account.ended", { n: answer.told.ended }) : whyNot(answer));
  }

  async #unlock() {
    if (await this.#proof.ask()) setText(this.#said, t("account.proven"));
  }
}
