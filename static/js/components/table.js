// @ts-check
/**
 * Rows as a table: its columns are learnt from the rows, its numbers get a line.
 */

import { make } from "../dom.js";
import { isRaw } from "../exact.js";
import { number } from "../texts.js";
import { Listing } from "./listing.js";
import { Series, Spark } from "./spark.js";

/** @import { Block } from "../output.js" */

/** @typedef {{name: string, series: Series, spark: Spark, numbers: number, th: HTMLElement}} Column */

/** Columns shown; a row may have any many. */
const MOST_COLUMNS = 50;
/** Characters of one cell. */
const MOST_CELL = 500;
/** A column with so many numbers gets its line. */
const ENOUGH_NUMBERS = 8;

export class TableView {
  #seen = 0;
  /** @type {Map<string, Column>} */
  #columns = new Map();
  #head = make("tr");
  #body = make("tbody");
  #listing;

  /** @param {Block} block */
  constructor(block) {
    this.block = block;
    const table = make("table", {}, make("thead", {}, this.#head), this.#body);
    const scroller = make("div", { class: "rows", attributes: { tabindex: 0 } }, table);
    const show = (/** @type {any} */ row) => this.#row(row);
    this.#listing = new Listing(block, { scroller, list: this.#body, show, unit: "rowsShown" });
    this.element = make("div", {}, scroller, this.#listing.pager);
  }

  paint() {
    this.#learn();
    this.#listing.paint();
  }

  saved() {
    return this.block.slice(0).map((row) => `${JSON.stringify(row)}\n`).join("");
  }

  /** Take new columns and numbers from the rows that came since. */
  #learn() {
    const fresh = this.block.slice(this.#seen);
    this.#seen = this.block.total;
    const before = this.#columns.size;
    for (const row of fresh) {
      for (const name of Object.keys(row)) this.#count(name, row[name]);
    }
    if (fresh.length === 0) return;
    if (this.#columns.size > before) this.#listing.repaint();
    for (const column of this.#columns.values()) this.#draw(column);
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  #count(name, value) {
    let column = this.#columns.get(name);
    if (column === undefined) {
      if (this.#columns.size >= MOST_COLUMNS) return;
      const th = make("th", { attributes: { scope: "col" } }, make("span", { text: name }));
      column = { name, series: new Series(), spark: new Spark(), numbers: 0, th };
      this.#columns.set(name, column);
      this.#head.append(th);
    }
    if (typeof value !== "number") return;
    column.numbers += 1;
    column.series.push(value);
  }

  /** @param {Column} column */
  #draw({ numbers, series, spark, th }) {
    if (numbers === 0) return;
    th.classList.add("number");
    if (numbers < ENOUGH_NUMBERS) return;
    if (spark.element.parentNode === null) th.append(spark.element);
    spark.draw(series);
  }

  /** @param {any} row */
  #row(row) {
    const cells = Array.from(this.#columns.keys(), (name) => cell(row[name]));
    return make("tr", {}, ...cells);
  }
}

/** @param {unknown} value */
function cell(value) {
  if (value === undefined || value === null) return make("td");
  if (typeof value === "number") return make("td", { class: "number", text: figure(value) });
  if (isRaw(value)) return make("td", { class: "number", text: JSON.stringify(value) });
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return make("td", { text: shown.slice(0, MOST_CELL) });
}

/**
 * Years and ids read badly with separators: only long figures get them.
 * @param {number} value
 */
function figure(value) {
  return Math.abs(value) < 100_000 ? String(value) : number(value);
}
