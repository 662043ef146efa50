// @ts-check
/**
 * One view for each shape of output; each paints only what came since it last did.
 */

import { make, say } from "../dom.js";
import { pretty } from "../json.js";
import { number, text } from "../texts.js";
import { Listing } from "./listing.js";
import { Series, Spark } from "./spark.js";
import { TableView } from "./table.js";

/** @import { Block } from "../output.js" */

/** @typedef {{element: HTMLElement, paint: () => void, saved: () => string}} BlockView */

/** Characters of a text that the page holds. */
const MOST_TEXT = 200_000;
/** Characters of one JSON item that are shown. */
const MOST_JSON = 20_000;

/**
 * Make the view of a block.
 * @param {Block} block
 * @returns {BlockView}
 */
export function viewOf(block) {
  if (block.shape === "text") return new TextView(block);
  if (block.shape === "rows") return new TableView(block);
  if (block.shape === "log") return new ListView(block, "log", logLine);
  if (block.shape === "number") return new NumberView(block);
  if (block.shape === "image") return new ImageView(block);
  return new ListView(block, "items", jsonItem);
}

/** A stream of text that keeps its end in view. */
class TextView {
  #seen = 0;
  #length = 0;
  #before = 0;
  #text = make("pre", { class: "text", attributes: { tabindex: 0 } });
  #note = make("p", { class: "note", attributes: { hidden: true } });

  /** @param {Block} block */
  constructor(block) {
    this.block = block;
    this.element = make("div", {}, this.#note, this.#text);
  }

  paint() {
    const fresh = this.block.slice(this.#seen).join("");
    this.#seen = this.block.total;
    if (fresh === "") return;
    const pre = this.#text;
    const isAtEnd = pre.scrollHeight - pre.clientHeight - pre.scrollTop < 24;
    pre.append(fresh.slice(-MOST_TEXT));
    this.#before += Math.max(0, fresh.length - MOST_TEXT);
    this.#length += Math.min(fresh.length, MOST_TEXT);
    this.#trim();
    if (isAtEnd) pre.scrollTop = pre.scrollHeight;
  }

  saved() {
    return this.block.slice(0).join("");
  }

  #trim() {
    const pre = this.#text;
    while (this.#length > MOST_TEXT && pre.firstChild !== pre.lastChild) {
      const gone = pre.firstChild?.textContent?.length ?? 0;
      pre.firstChild?.remove();
      this.#length -= gone;
      this.#before += gone;
    }
    this.#note.hidden = this.#before === 0;
    if (this.#before > 0) say(this.#note, text("textCut", { n: number(this.#before) }));
  }
}

/** Items below one another. */
class ListView {
  /**
   * @param {Block} block
   * @param {string} style A class.
   * @param {(item: any) => Node} show
   */
  constructor(block, style, show) {
    this.block = block;
    const list = make("ol", { class: style, attributes: { tabindex: 0 } });
    this.listing = new Listing(block, { scroller: list, list, show, unit: "itemsShown" });
    this.element = make("div", {}, list, this.listing.pager);
  }

  paint() {
    this.listing.paint();
  }

  saved() {
    return ndjson(this.block);
  }
}

/** Numbers, as a line and the last one. */
class NumberView {
  #seen = 0;
  #series = new Series();
  #spark = new Spark();
  #last = make("output", { class: "big" });

  /** @param {Block} block */
  constructor(block) {
    this.block = block;
    this.element = make("div", { class: "numbers" }, this.#last, this.#spark.element);
  }

  paint() {
    const fresh = this.block.slice(this.#seen);
    this.#seen = this.block.total;
    if (fresh.length === 0) return;
    for (const value of fresh) this.#series.push(value);
    this.#spark.draw(this.#series);
    say(this.#last, number(fresh.at(-1)));
  }

  saved() {
    return ndjson(this.block);
  }
}

/** The newest picture. */
class ImageView {
  #seen = 0;

  /** @param {Block} block */
  constructor(block) {
    this.block = block;
    this.element = make("img", { class: "picture", attributes: { alt: block.channel } });
  }

  paint() {
    if (this.#seen === this.block.total) return;
    this.#seen = this.block.total;
    this.element.src = this.block.slice(this.#seen - 1)[0];
  }

  saved() {
    return ndjson(this.block);
  }
}

/** @param {{level?: unknown, logger?: unknown, message?: unknown}} record */
function logLine({ level, logger, message }) {
  const name = String(level ?? "info").toLowerCase();
  const line = make("li", { attributes: { "data-level": name } });
  line.append(make("b", { text: name }));
  if (logger) line.append(make("i", { text: String(logger) }));
  line.append(make("span", { text: typeof message === "string" ? message : pretty(message) }));
  return line;
}

/** @param {unknown} item */
function jsonItem(item) {
  return make("li", { text: pretty(item).slice(0, MOST_JSON) });
}

/** @param {Block} block */
function ndjson(block) {
  return block.slice(0).map((item) => `${JSON.stringify(item)}\n`).join("");
}
