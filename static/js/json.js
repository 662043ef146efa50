// @ts-check
/**
 * JSON for people: indented, coloured, and cut where it would freeze the page.
 */

import { make } from "./dom.js";

/** Longer texts stay plain: colours cost an element each. */
const COLOUR_UP_TO = 20_000;
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g;

/**
 * Indent a value.
 * @param {unknown} value
 * @returns {string}
 */
export function pretty(value) {
  return JSON.stringify(value, null, 2) ?? "";
}

/**
 * Fill an element with a text of JSON.
 * @param {Element} element
 * @param {string} json
 */
export function showJson(element, json) {
  if (json.length > COLOUR_UP_TO) {
    element.textContent = json;
    return;
  }
  const parts = document.createDocumentFragment();
  let end = 0;
  for (const match of json.matchAll(TOKEN)) {
    parts.append(json.slice(end, match.index));
    parts.append(make("span", { class: colour(match), text: match[1] ?? match[0] }));
    parts.append(match[2] ?? "");
    end = match.index + match[0].length;
  }
  parts.append(json.slice(end));
  element.replaceChildren(parts);
}

/** @param {RegExpMatchArray} match */
function colour(match) {
  if (match[2] !== undefined) return "j-name";
  if (match[1] !== undefined) return "j-text";
  return /^[tfn]/.test(match[0]) ? "j-word" : "j-number";
}
