// @ts-check
/**
 * One task as a card: what it does, what it sent, how it ended.
 */

import { button, make, save, say } from "../dom.js";
import { pretty, showJson } from "../json.js";
import { paint } from "../paint.js";
import { duration, number, text } from "../texts.js";
import { Bar } from "./bar.js";
import { viewOf } from "./blocks.js";
import { factsOf, noticeOf, sayingOf } from "./words.js";

/** @import { Block } from "../output.js" */
/** @import { Task } from "../task.js" */
/** @import { BlockView } from "./blocks.js" */

/**
 * What a card needs of the page.
 * @typedef {object} Desk
 * @property {(task: Task) => void} cancel
 * @property {(task: Task) => void} again
 * @property {(task: Task) => void} dismiss
 * @property {() => number} now The hub's clock, in milliseconds since 1970.
 * @property {() => boolean} isLive
 * @property {() => number | null} frameBytes
 */

/** Characters of a response that are shown. */
const MOST_RESPONSE = 100_000;
const ORIGINS = { existing: "existing", joined: "joined", cached: "fromCache" };

export class Card {
  #bar = new Bar();
  #badge = make("span", { class: "badge" });
  #name = make("h2");
  #params = make("code", { class: "params" });
  #elapsed = make("span", { class: "elapsed" });
  #saying = make("p", { class: "saying" });
  #notice = make("p", { class: "notice", attributes: { role: "alert", hidden: true } });
  #gaps = make("ul", { class: "gaps", attributes: { hidden: true } });
  #output = make("div", { class: "output" });
  #response = make("details", { class: "response", attributes: { hidden: true, open: true } });
  #facts = make("ul", { class: "facts" });
  #link = make("a", { class: "id", attributes: { title: text("link") } });
  #cancel;
  #again;
  /** @type {Map<Block, BlockView>} */
  #views = new Map();
  #edition = 0;
  #isResponseShown = false;
  /** @type {number | null} When the hub's news stopped, on its own clock. */
  #seenUntil = null;

  /**
   * @param {Task} task
   * @param {Desk} desk
   */
  constructor(task, desk) {
    this.task = task;
    this.desk = desk;
    this.#cancel = button(text("cancel"), () => desk.cancel(task), "danger");
    this.#again = button(text("runAgain"), () => desk.again(task));
    const remove = button("×", () => desk.dismiss(task), "quiet");
    remove.setAttribute("aria-label", text("dismiss"));
    remove.title = text("dismiss");
    const actions = make("div", { class: "actions" }, this.#cancel, this.#again, remove);
    const title = make("div", { class: "title" }, this.#name, this.#params);
    const head = make("header", {}, this.#badge, title, this.#elapsed, actions);
    const foot = make("footer", {}, this.#facts, this.#link);
    this.element = make(
      "article",
      { class: "card", attributes: { tabindex: -1 } },
      head,
      this.#bar.element,
      this.#saying,
      this.#notice,
      this.#gaps,
      this.#output,
      this.#response,
      foot,
    );
    this.#name.id = `task-${task.uid}`;
    this.element.setAttribute("aria-labelledby", this.#name.id);
    const painter = () => this.#paint();
    task.changed = () => paint(painter);
    this.#paint();
  }

  /** Write the time anew; cheap, called often. */
  tick() {
    if (this.task.isOver) return;
    this.#write();
  }

  #paint() {
    const { task } = this;
    this.element.dataset.status = task.status;
    say(this.#name, task.name);
    this.#paintParams();
    this.#bar.show(task.fraction, !task.isOver);
    this.#paintActions();
    this.#paintNotice();
    this.#paintOutput();
    if (task.cursor.ended) this.#paintResponse();
    this.#facts.replaceChildren(...this.#factItems());
    if (task.id !== undefined) {
      this.#link.href = `#task=${task.id}`;
      say(this.#link, task.id);
    }
    this.#write();
  }

  /** The badge, the time and the line below the bar. */
  #write() {
    const { task, desk } = this;
    const isKnown = task.isOver || desk.isLive();
    const now = desk.now();
    this.#seenUntil = isKnown ? null : (this.#seenUntil ?? now);
    const status = text(task.status);
    const isSeen = isKnown || task.status === "sending";
    say(this.#badge, isSeen ? status : text("lastSeen", { status }));
    this.element.classList.toggle("unsure", !isKnown);
    const ms = this.#elapsedMs(this.#seenUntil ?? now);
    say(this.#elapsed, ms === null ? "" : duration(ms));
    say(this.#saying, sayingOf(task, now));
    this.#saying.hidden = this.#saying.textContent === "";
  }

  /** @param {number} now */
  #elapsedMs(now) {
    const { response, cursor } = this.task;
    if (!response) return null;
    const start = Date.parse(response.created_at);
    const end = cursor.ended ? Date.parse(response.updated_at) : now;
    return Number.isFinite(end - start) ? Math.max(0, end - start) : null;
  }

  #paintParams() {
    const params = this.task.request?.params;
    const isEmpty = !params || Object.keys(params).length === 0;
    const shown = isEmpty ? "" : JSON.stringify(params).slice(0, 300);
    say(this.#params, shown);
    this.#params.title = shown;
  }

  #paintActions() {
    const { task, desk } = this;
    this.#cancel.hidden = task.isOver;
    this.#cancel.disabled = task.cancelWanted;
    const waits = desk.isLive() ? "cancelling" : "cancelLater";
    say(this.#cancel, text(task.cancelWanted ? waits : "cancel"));
    this.#again.hidden = !task.isOver || task.request === null;
  }

  #paintNotice() {
    const { task } = this;
    const notice = noticeOf(task, this.desk.frameBytes());
    say(this.#notice, notice);
    this.#notice.hidden = notice === "";
    const gaps = task.gaps.slice(-20).map(({ from, to, why }) => {
      const figures = { from: number(from), to: number(to), why };
      return make("li", { text: text("gap", figures) });
    });
    this.#gaps.replaceChildren(...gaps);
    this.#gaps.hidden = gaps.length === 0;
  }

  #paintOutput() {
    const { task } = this;
    if (this.#edition !== task.edition) {
      this.#edition = task.edition;
      this.#views.clear();
      this.#output.replaceChildren();
    }
    for (const block of task.output.blocks) {
      let view = this.#views.get(block);
      if (view === undefined) {
        view = viewOf(block);
        this.#views.set(block, view);
        this.#output.append(this.#section(block, view));
      }
      view.paint();
    }
  }

  /**
   * @param {Block} block
   * @param {BlockView} view
   */
  #section(block, view) {
    const names = { out: text("output"), log: text("logs") };
    const name = names[/** @type {"out"} */ (block.channel)] ?? block.channel;
    const file = `${this.task.name}-${block.channel}.txt`;
    const keep = button(text("save"), () => save(file, view.saved()), "quiet");
    const head = make("div", { class: "block-head" }, make("h3", { text: name }), keep);
    const traits = { class: "block", attributes: { "data-shape": block.shape } };
    return make("section", traits, head, view.element);
  }

  #paintResponse() {
    if (this.#isResponseShown) return;
    this.#isResponseShown = true;
    const { response, resultUrl, id } = this.task;
    const json = pretty(response);
    const shown = make("pre", { class: "json", attributes: { tabindex: 0 } });
    showJson(shown, json.slice(0, MOST_RESPONSE));
    const isCut = json.length > MOST_RESPONSE;
    this.#response.replaceChildren(make("summary", { text: text("response") }), shown);
    if (isCut) {
      const note = text("responseCut", { n: number(MOST_RESPONSE) });
      this.#response.append(make("p", { class: "note", text: note }));
    }
    const url = resultUrl ?? (isCut ? `api/v1/tasks/${id}/result` : null);
    if (url !== null && isOurs(url)) {
      this.#response.append(make("a", { text: text("wholeResult"), attributes: { href: url } }));
    }
    this.#response.hidden = false;
  }

  #factItems() {
    const { origin } = this.task;
    const facts = factsOf(this.task);
    const name = ORIGINS[/** @type {"cached"} */ (origin)];
    if (name !== undefined) facts.unshift(text(name));
    return facts.map((fact) => make("li", { text: fact }));
  }
}

/**
 * Whether an address leads to the hub's own root, and nowhere else.
 * @param {string} url
 */
function isOurs(url) {
  const root = new URL("./", document.baseURI).href;
  return new URL(url, root).href.startsWith(root);
}
