// @ts-check
/**
 * A small line of numbers: any many of them in a bounded number of points.
 */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 24;
/** Points kept; one more and neighbours are merged. */
const MOST_POINTS = 120;

/** Numbers in order, merged in ever longer strides. */
export class Series {
  /** @type {number[]} Means of full strides. */
  #means = [];
  #stride = 1;
  #sum = 0;
  #count = 0;

  /** @param {number} value */
  push(value) {
    this.#sum += value;
    this.#count += 1;
    if (this.#count < this.#stride) return;
    this.#means.push(this.#sum / this.#count);
    this.#sum = 0;
    this.#count = 0;
    if (this.#means.length < MOST_POINTS) return;
    const { length } = this.#means;
    for (let i = 0; i < length / 2; i += 1) {
      this.#means[i] = (this.#means[2 * i] + this.#means[2 * i + 1]) / 2;
    }
    this.#means.length = length / 2;
    this.#stride *= 2;
  }

  get points() {
    return this.#means;
  }
}

/** The drawing of a series. */
export class Spark {
  #line = document.createElementNS(SVG, "polyline");
  #area = document.createElementNS(SVG, "polygon");

  constructor() {
    this.element = document.createElementNS(SVG, "svg");
    this.element.setAttribute("class", "spark");
    this.element.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.element.setAttribute("preserveAspectRatio", "none");
    this.element.setAttribute("aria-hidden", "true");
    this.element.append(this.#area, this.#line);
  }

  /** @param {Series} series */
  draw({ points }) {
    if (points.length < 2) return;
    const low = Math.min(...points);
    const span = Math.max(...points) - low || 1;
    const step = WIDTH / (points.length - 1);
    const y = (/** @type {number} */ value) =>
      (HEIGHT - 2 - ((value - low) / span) * (HEIGHT - 4)).toFixed(1);
    const line = points.map((value, i) => `${(i * step).toFixed(1)},${y(value)}`).join(" ");
    this.#line.setAttribute("points", line);
    this.#area.setAttribute("points", `0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`);
  }
}
