// The address of this page, as a code for the camera of the next phone or tablet.
import { ask } from "./asking.js";
import { make, setText } from "./element.js";
import { t } from "./text.js";

const DEADLINE_MS = 6000;
const PATH = "api/v1/address";

export class Invite {
  #picture = make("img");
  #url = make("b");
  #how = make("p");
  #print = make("p");
  #asked = false;
  #address = null;
  node = make("div", "invite", this.#picture, make("div", "one", this.#url, this.#how, this.#print));

  show() {
    if (!this.#asked) this.#ask();
    const { url, fingerprint } = this.#address ?? {};
    this.#picture.hidden = !url;
    this.#picture.alt = t("invite.code");
    setText(this.#url, url ?? "");
    setText(this.#how, t(url ? "invite.how" : this.#address ? "invite.none" : "verdict.loading"));
    setText(this.#print, fingerprint ? t("invite.compare", { fingerprint }) : "");
  }

  async #ask() {
    this.#asked = true;
    const here = new URLSearchParams({ base: new URL(".", location).pathname });
    this.#address = await ask(`${PATH}?${here}`, DEADLINE_MS);
    this.#asked = Boolean(this.#address);
    if (this.#address?.url) this.#picture.src = `${PATH}/code.svg?${here}`;
    dispatchEvent(new Event("redraw"));
  }
}
