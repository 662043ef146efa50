// @ts-check
/**
 * Making elements: text is always text, and there is no way to say markup.
 */

/**
 * @typedef {object} Traits
 * @property {string} [class]
 * @property {string} [text]
 * @property {Record<string, string | number | boolean>} [attributes]
 * @property {(event: Event) => void} [onclick]
 */

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Traits} [traits]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make(name, traits = {}, ...children) {
  const element = document.createElement(name);
  if (traits.class) element.className = traits.class;
  if (traits.text !== undefined) element.textContent = traits.text;
  for (const [key, value] of Object.entries(traits.attributes ?? {})) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false) element.setAttribute(key, String(value));
  }
  if (traits.onclick) element.addEventListener("click", traits.onclick);
  element.append(...children);
  return element;
}

/**
 * Make a button that submits nothing.
 * @param {string} text
 * @param {() => void} onclick
 * @param {string} [style] A class.
 * @returns {HTMLButtonElement}
 */
export function button(text, onclick, style = "") {
  const attributes = { type: "button" };
  return make("button", { class: style, text, attributes, onclick });
}

/**
 * Set an element's text, if it is another one: a write costs layout.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Hand the reader a file.
 * @param {string} name
 * @param {string} content
 */
export function save(name, content) {
  const url = URL.createObjectURL(new Blob([content], { type: "text/plain" }));
  make("a", { attributes: { href: url, download: name } }).click();
  // The download has begun by then; the text need not stay in memory for it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * An element that must be in the page's own markup.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no #${id}`);
  return element;
}
