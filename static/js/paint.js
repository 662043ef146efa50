// @ts-check
/**
 * Painting once a frame: however many frames arrive, the page changes at most 60 times
 * a second, and a long round gives the browser a turn for clicks.
 */

/** Time that painting may take of one frame, in milliseconds. */
const BUDGET_MS = 8;

/** @type {Set<() => void>} What waits to be painted, first come first. */
const waiting = new Set();
let isAsked = false;

/**
 * Have a painter called in the next frame, once, however often it is asked for.
 * @param {() => void} painter
 */
export function paint(painter) {
  waiting.add(painter);
  ask();
}

function ask() {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(round);
}

function round() {
  isAsked = false;
  const start = performance.now();
  for (const painter of [...waiting]) {
    waiting.delete(painter);
    painter();
    if (performance.now() - start > BUDGET_MS) break;
  }
  if (waiting.size > 0) ask();
}
