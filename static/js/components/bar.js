// @ts-check
/**
 * A progress bar as a scaled div: hundreds of native ones would take the whole CPU.
 */

import { make } from "../dom.js";
import { text } from "../texts.js";

export class Bar {
  #fill = make("div", { class: "fill" });

  constructor() {
    const attributes = {
      role: "progressbar",
      "aria-label": text("progress"),
      "aria-valuemin": 0,
      "aria-valuemax": 100,
    };
    this.element = make("div", { class: "bar", attributes }, this.#fill);
  }

  /**
   * @param {number | null} fraction From 0 to 1; null: unknown.
   * @param {boolean} isWorking Whether an unknown progress is shown as motion.
   */
  show(fraction, isWorking) {
    const { element } = this;
    element.classList.toggle("unknown", fraction === null && isWorking);
    this.#fill.style.transform = `scaleX(${fraction ?? 0})`;
    if (fraction === null) {
      element.removeAttribute("aria-valuenow");
      element.setAttribute("aria-valuetext", isWorking ? text("unknownProgress") : "–");
    } else {
      const percent = Math.round(fraction * 100);
      element.setAttribute("aria-valuenow", String(percent));
      element.setAttribute("aria-valuetext", `${percent} %`);
    }
  }
}
