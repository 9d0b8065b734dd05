// The browsers that are told of alarms while their page is closed.
import { ask, send, withdraw } from "./asking.js";
import { make, setText } from "./element.js";
import { button } from "./form.js";
import { Kept } from "./kept.js";
import { covers } from "./rights.js";
import { date, t } from "./text.js";

const PATH = "api/v1/push/subscriptions";
const DEADLINE_MS = 8000;

export class Push {
  #title = make("h3");
  #begin = button("push.begin", () => this.#subscribe());
  #said = make("p", "said");
  #kept = new Kept("bell", "people.remove", (id) => this.#remove(id));
  #able = isSecureContext && "PushManager" in window;
  #role;
  #person;
  #told = null;
  #own; // this browser's key
  node = make("div", "setting", this.#title, this.#begin.node, this.#said, this.#kept.node);

  constructor() {
    this.#said.role = "status";
  }

  show(session) {
    const may = covers(session?.role, "staff");
    if (may && session.role !== this.#role) this.#look();
    [this.#role, this.#person] = [session?.role, session?.user];
    const browsers = this.#told?.subscriptions ?? [];
    this.#begin.node.hidden = !this.#able || !this.#told?.key || browsers.some((it) => it.public === this.#own);
    this.node.hidden = !may || (this.#begin.node.hidden && !browsers.length);
    setText(this.#title, t("push.title"));
    this.#begin.show();
    this.#kept.show(browsers.map(({ id, person, service, since, error, public: key }) => {
      return { id, name: person, why: [key === this.#own ? t("people.here") : service, date(since), error].filter(Boolean).join(" · ") };
    }));
  }

  async #look() {
    this.#own = (await this.#subscribed())?.toJSON().keys.p256dh;
    this.#told = (await ask(PATH, DEADLINE_MS)) ?? this.#told;
    dispatchEvent(new Event("redraw"));
  }

  async #subscribed() {
    const worker = this.#able ? await navigator.serviceWorker.getRegistration() : null;
    return worker?.pushManager.getSubscription();
  }

  async #subscribe() {
    setText(this.#said, t("banner.sending"));
    try {
      const worker = await navigator.serviceWorker.ready;
      const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: this.#told.key });
      const problem = await send(PATH, { person: this.#person, subscription: subscription.toJSON() }, DEADLINE_MS);
      if (problem !== null) await subscription.unsubscribe();
      setText(this.#said, problem === null ? "" : problem || t("banner.again"));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      setText(this.#said, t("push.refused"));
    }
    this.#look();
  }

  async #remove(id) {
    const own = this.#told.subscriptions.find((it) => it.public === this.#own)?.id === id;
    const problem = await withdraw(`${PATH}/${id}`, DEADLINE_MS);
    setText(this.#said, problem === null ? "" : problem || t("banner.again"));
    if (problem === null && own) await (await this.#subscribed())?.unsubscribe();
    this.#look();
  }
}
