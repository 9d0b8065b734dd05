// Being told of alarms by this browser, also while the page is closed.
import { ask, send, withdraw } from "./asking.js";
import { make, setText } from "./element.js";
import { t } from "./text.js";

const PATH = "api/v1/push/subscriptions";
const DEADLINE_MS = 8000;

export class Push {
  #title = make("h3");
  #button = make("button", "plain");
  #said = make("p", "said");
  #able = isSecureContext && "PushManager" in window;
  #person = "";
  #on = false;
  node = make("div", "setting", this.#title, this.#button, this.#said);

  constructor() {
    this.node.hidden = true;
    this.#said.ariaLive = "polite";
    this.#button.type = "button";
    this.#button.addEventListener("click", () => (this.#on ? this.#end() : this.#begin()));
    if (this.#able) this.#look();
  }

  show(session) {
    this.#person = session?.user ?? "";
    this.node.hidden = !this.#able || !session || session.role === "viewer";
    setText(this.#title, t("push.title"));
    setText(this.#button, t(this.#on ? "push.end" : "push.begin"));
  }

  async #look() {
    const worker = await navigator.serviceWorker.getRegistration();
    const own = (await worker?.pushManager.getSubscription())?.toJSON().keys.p256dh;
    const told = own && (await ask(PATH, DEADLINE_MS));
    this.#on = Boolean(told?.subscriptions.some((it) => it.public === own)); // or it had to make room
    dispatchEvent(new Event("redraw"));
  }

  async #begin() {
    setText(this.#said, t("banner.sending"));
    const known = await ask(PATH, DEADLINE_MS);
    if (!known) {
      setText(this.#said, t("push.none"));
      return;
    }
    try {
      const worker = await navigator.serviceWorker.ready;
      const wish = { userVisibleOnly: true, applicationServerKey: known.key };
      const subscription = await worker.pushManager.subscribe(wish);
      const problem = await send(PATH, { person: this.#person, subscription: subscription.toJSON() }, DEADLINE_MS);
      if (problem !== null) await subscription.unsubscribe();
      this.#on = problem === null;
      setText(this.#said, problem === null ? "" : problem || t("banner.again"));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      setText(this.#said, t("push.refused"));
    }
    dispatchEvent(new Event("redraw"));
  }

  async #end() {
    const worker = await navigator.serviceWorker.ready;
    const subscription = await worker.pushManager.getSubscription();
    if (subscription) {
      await withdraw(PATH, DEADLINE_MS, { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    this.#on = false;
    dispatchEvent(new Event("redraw"));
  }
}
