// @ts-check
/**
 * A window on a block's items: a bounded number of elements, however many there are.
 *
 * It follows the newest until the reader scrolls up or pages back; then it stands
 * still, so that nothing moves under the eyes.
 */

import { button, make, say } from "../dom.js";
import { number, text } from "../texts.js";

/** @import { Block } from "../output.js" */

/** Items in the page at once. */
export const WINDOW = 100;
/** Distance from the end that still counts as being there, in pixels. */
const NEAR_END = 24;

export class Listing {
  #from = 0;
  #to = 0;
  /** @type {number | null} First item shown; null: follow the newest. */
  #start = null;
  #earlier = button(text("earlier"), () => this.#page(-WINDOW));
  #later = button(text("later"), () => this.#page(WINDOW));
  #newest = button(text("newest"), () => this.#follow());
  #range = make("span", { class: "range" });

  /**
   * @param {Block} block
   * @param {object} parts
   * @param {HTMLElement} parts.scroller What scrolls.
   * @param {HTMLElement} parts.list What holds one child for each item.
   * @param {(item: any, place: number) => Node} parts.show
   * @param {string} parts.unit Name of the text that says which items are shown.
   */
  constructor(block, { scroller, list, show, unit }) {
    this.block = block;
    this.scroller = scroller;
    this.list = list;
    this.show = show;
    this.unit = unit;
    const buttons = make("span", { class: "buttons" }, this.#earlier, this.#later, this.#newest);
    this.pager = make("div", { class: "pager" }, this.#range, buttons);
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** Bring the page up to the block. */
  paint() {
    const { block, list } = this;
    const [from, to] = this.#window();
    if (from === this.#from && to === this.#to) {
      this.#write();
      return;
    }
    if (from >= this.#from && from < this.#to && to >= this.#to) {
      for (let place = this.#from; place < from; place += 1) list.firstChild?.remove();
      list.append(...this.#rows(this.#to, to));
    } else {
      list.replaceChildren(...this.#rows(from, to));
    }
    this.#from = from;
    this.#to = to;
    if (this.#start === null) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#write();
    block.total > WINDOW && this.scroller.classList.add("full");
  }

  /** Draw every shown item anew, because its form changed. */
  repaint() {
    this.#to = this.#from;
    this.list.replaceChildren();
  }

  /** @returns {[from: number, to: number]} */
  #window() {
    const { first, total } = this.block;
    const newest = Math.max(first, total - WINDOW);
    const from = this.#start === null ? newest : Math.max(first, Math.min(this.#start, newest));
    return [from, Math.min(total, from + WINDOW)];
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #rows(from, to) {
    return this.block.slice(from, to).map((item, i) => this.show(item, from + i));
  }

  #write() {
    const { first, total } = this.block;
    const isCut = total - first > WINDOW || first > 0;
    this.pager.hidden = !isCut;
    if (!isCut) return;
    const figures = { from: number(this.#from + 1), to: number(this.#to), total: number(total) };
    const dropped = first > 0 ? ` · ${text("dropped", { n: number(first) })}` : "";
    say(this.#range, text(this.unit, figures) + dropped);
    this.#earlier.disabled = this.#from <= first;
    this.#later.disabled = this.#to >= total;
    this.#newest.disabled = this.#start === null;
  }

  /** @param {number} step */
  #page(step) {
    this.#start = Math.max(this.block.first, this.#from + step);
    this.paint();
    this.scroller.scrollTop = 0;
  }

  #follow() {
    this.#start = null;
    this.paint();
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const isAtEnd = scrollHeight - clientHeight - scrollTop < NEAR_END;
    if (isAtEnd && this.#to >= this.block.total) this.#start = null;
    else if (!isAtEnd) this.#start ??= this.#from;
  }
}
