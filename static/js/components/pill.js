// @ts-check
/**
 * The connection pill: always visible, and never says more than is known.
 */

import { button, make, say } from "../dom.js";
import { number, text } from "../texts.js";

/** @import { LinkState } from "../socket.js" */

/** How often the countdown is written anew, in milliseconds. */
const COUNT_MS = 200;

export class Pill {
  #dot = make("span", { class: "dot" });
  #label = make("span", { class: "label", attributes: { role: "status" } });
  #figure = make("span", { class: "figure" });
  /** @type {LinkState} */
  #state = { name: "connecting" };
  #now;

  /** @param {() => void} retryNow */
  constructor(retryNow) {
    this.#now = button(text("now"), retryNow, "now");
    this.element = make("div", { class: "pill" }, this.#dot, this.#label, this.#figure, this.#now);
    setInterval(() => this.#state.name === "waiting" && this.#write(), COUNT_MS);
    this.show(this.#state);
  }

  /** @param {LinkState} state */
  show(state) {
    this.#state = state;
    this.element.dataset.link = state.name;
    const reason = [state.code, state.reason].filter(Boolean).join(" ");
    this.element.title = reason;
    this.#now.hidden = !["waiting", "offline", "stopped"].includes(state.name);
    this.#write();
  }

  #write() {
    const { name, until = 0, lag, code = 0 } = this.#state;
    const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1000));
    say(this.#label, text(name, { n: number(seconds), code }));
    const isKnown = name === "live" && lag !== undefined;
    const shown = isKnown ? text("lag", { n: lag < 10 ? lag.toFixed(1) : Math.round(lag) }) : "";
    say(this.#figure, shown);
  }
}
