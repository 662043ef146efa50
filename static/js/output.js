// @ts-check
/**
 * What a task has put out so far, sorted into blocks and bounded in memory.
 *
 * A block holds one channel's items of one shape. Items have absolute places from 0;
 * the oldest are dropped over the bound and counted, never silently.
 */

import { isRaw } from "./exact.js";

/** @import { Frame } from "./protocol.js" */

/** @typedef {"text" | "rows" | "log" | "number" | "image" | "json"} Shape */

/** Weight, about bytes, that one block may hold. */
const MOST_WEIGHT = 8 * 1024 * 1024;
/** Items that one block may hold. */
const MOST_ITEMS = 50_000;

const IMAGE = /^image\/(png|jpeg|gif|webp|avif)$/;

/** One channel's items of one shape, in order. */
export class Block {
  /** @type {any[]} */
  #items = [];
  /** @type {number[]} */
  #weights = [];
  #weight = 0;
  /** Items at the front of the arrays that were dropped, but not yet cut off. */
  #cut = 0;

  /**
   * @param {string} channel
   * @param {Shape} shape
   */
  constructor(channel, shape) {
    this.channel = channel;
    this.shape = shape;
    /** Items seen so far; the next one's place. */
    this.total = 0;
  }

  /** Place of the oldest item still held. */
  get first() {
    return this.total - (this.#items.length - this.#cut);
  }

  /** @param {unknown} item */
  push(item) {
    const weight = weigh(item);
    this.#items.push(item);
    this.#weights.push(weight);
    this.#weight += weight;
    this.total += 1;
    while (this.#isOver()) {
      this.#weight -= this.#weights[this.#cut];
      this.#items[this.#cut] = undefined;
      this.#cut += 1;
    }
    if (this.#cut > 1024 && this.#cut * 2 > this.#items.length) {
      this.#items.splice(0, this.#cut);
      this.#weights.splice(0, this.#cut);
      this.#cut = 0;
    }
  }

  /**
   * The items from place `from` up to, not including, `to`.
   * @param {number} from
   * @param {number} [to]
   * @returns {any[]}
   */
  slice(from, to = this.total) {
    const shift = this.#cut - this.first;
    return this.#items.slice(Math.max(from, this.first) + shift, to + shift);
  }

  #isOver() {
    const held = this.#items.length - this.#cut;
    return held > 1 && (this.#weight > MOST_WEIGHT || held > MOST_ITEMS);
  }
}

/** All blocks of one task, in the order in which they began. */
export class Output {
  /** @type {Map<string, Block>} */
  #blocks = new Map();

  /** @returns {Block[]} */
  get blocks() {
    return [...this.#blocks.values()];
  }

  /**
   * Sort in one chunk frame.
   * @param {Frame} frame
   */
  add(frame) {
    const [shape, item] = shaped(frame);
    const channel = String(frame.channel ?? "out");
    const name = `${shape} ${channel}`;
    let block = this.#blocks.get(name);
    if (block === undefined) {
      block = new Block(channel, shape);
      this.#blocks.set(name, block);
    }
    block.push(item);
  }
}

/**
 * The shape in which a chunk is shown, and the item made of it.
 * @param {Frame} frame
 * @returns {[Shape, unknown]}
 */
export function shaped(frame) {
  const { kind, data, bin } = frame;
  if (bin !== undefined) return binary(kind, String(bin));
  if (frame.channel === "log" && typeof data === "object" && data !== null) {
    return ["log", data];
  }
  if (typeof data === "string" && kind !== "json") return ["text", line(kind, data)];
  if (typeof data === "number" && kind !== "json") return ["number", data];
  if (kind === "row" && typeof data === "object" && data !== null) return ["rows", data];
  if (kind === undefined && isFlat(data)) return ["rows", data];
  return ["json", data];
}

/**
 * Text that says its kind is a stream and goes on where it stopped; else it is a line.
 * @param {unknown} kind
 * @param {string} data
 */
function line(kind, data) {
  const isStream = kind === "text" || kind === "ansi" || String(kind).startsWith("text/");
  const text = kind === "ansi" ? plain(data) : data;
  return isStream || text.endsWith("\n") ? text : `${text}\n`;
}

/**
 * Text without the control sequences of terminals.
 * @param {string} text
 */
function plain(text) {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\u001b(\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)|.)/g, "");
}

/**
 * @param {unknown} kind
 * @param {string} bin Base64.
 * @returns {[Shape, unknown]}
 */
function binary(kind, bin) {
  if (typeof kind === "string" && IMAGE.test(kind)) {
    return ["image", `data:${kind};base64,${bin}`];
  }
  const bytes = Math.floor((bin.replace(/=+$/, "").length * 3) / 4);
  return ["json", { kind: kind ?? "application/octet-stream", bytes }];
}

/**
 * An object whose values are all plain: a row, even where nobody says so.
 * @param {unknown} data
 */
function isFlat(data) {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return false;
  const values = Object.values(data);
  return values.length > 0 && values.every(isPlainValue);
}

/** @param {unknown} value */
function isPlainValue(value) {
  return typeof value !== "object" || value === null || isRaw(value);
}

/**
 * About how many bytes an item holds.
 * @param {any} item
 * @returns {number}
 */
function weigh(item) {
  if (typeof item === "string") return 16 + item.length * 2;
  if (typeof item !== "object" || item === null) return 16;
  let weight = 32;
  for (const name in item) weight += 16 + weigh(item[name]);
  return weight;
}
