// @ts-check
/**
 * JSON whose integers up to 64 bit come out as they went in.
 *
 * A number of this language is exact up to 2**53. Longer integers are kept as raw
 * JSON, which `JSON.stringify` writes back digit by digit; a browser that does not
 * know raw JSON rounds them, as all did before.
 */

// Younger than the type definitions of the language.
/** @type {any} */
const json = JSON;

const LONG = /\d{16}/;

/**
 * Parse JSON.
 * @param {string} text
 * @returns {any}
 * @throws {SyntaxError} If it is none.
 */
export function parseExact(text) {
  const needsCare = json.rawJSON !== undefined && LONG.test(text);
  return needsCare ? json.parse(text, keepDigits) : JSON.parse(text);
}

/**
 * The integer that these digits mean, exactly where the browser can.
 * @param {string} digits
 * @returns {unknown}
 */
export function exactInteger(digits) {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : (json.rawJSON?.(digits) ?? value);
}

/**
 * Whether a value is an integer kept as raw JSON.
 * @param {unknown} value
 * @returns {boolean}
 */
export function isRaw(value) {
  return json.isRawJSON?.(value) === true;
}

/**
 * @param {string} _key
 * @param {unknown} value
 * @param {{source?: string}} context
 */
function keepDigits(_key, value, { source = "" }) {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return /^-?\d+$/.test(source) ? exactInteger(source) : value;
}
