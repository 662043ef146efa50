// @ts-check
/**
 * What a screen reader hears of tasks that end: one polite line, not a stream.
 */

import { text } from "../texts.js";

/** @import { Task } from "../task.js" */

/** At most one line in that time, in milliseconds. */
const PAUSE_MS = 5_000;

export class Announcer {
  /** @type {string[]} */
  #ends = [];
  #isPausing = false;

  /** @param {HTMLElement} element A polite live region. */
  constructor(element) {
    this.element = element;
  }

  /** @param {Task} task */
  say(task) {
    this.#ends.push(text("said", { name: task.name, status: text(task.status) }));
    if (!this.#isPausing) this.#speak();
  }

  #speak() {
    this.#isPausing = this.#ends.length > 0;
    if (!this.#isPausing) return;
    this.element.textContent = this.#ends.splice(0).slice(-5).join(". ");
    setTimeout(() => this.#speak(), PAUSE_MS);
  }
}
