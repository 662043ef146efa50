// @ts-check
/**
 * One parameter of a command as a labelled control.
 */

import { make } from "../dom.js";
import { FieldError, textOf, valueOf } from "../schema.js";
import { text } from "../texts.js";

/** @import { Field } from "../schema.js" */

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */

export class FieldView {
  #trouble;
  /** @type {Control} */
  #control;

  /** @param {Field} field */
  constructor(field) {
    this.field = field;
    const id = `param-${field.name}`;
    this.#control = controlOf(field);
    this.#control.id = id;
    this.#control.name = field.name;
    this.#control.setAttribute("aria-describedby", `${id}-note`);
    this.#control.addEventListener("input", () => this.complain(""));
    this.#trouble = make("span", { class: "trouble" });
    const label = make("label", { text: field.title, attributes: { for: id } });
    if (!field.required && field.initial === undefined) {
      label.append(make("i", { text: text("optional") }));
    }
    const note = make("span", { class: "note", text: field.description });
    const notes = make("p", { attributes: { id: `${id}-note` } }, this.#trouble, note);
    const style = this.#isBox ? "field box" : "field";
    this.element = make("div", { class: style }, label, this.#control, notes);
    this.fill(field.initial);
  }

  /**
   * The value to send; undefined leaves the parameter out.
   * @throws {FieldError}
   */
  get value() {
    const control = this.#control;
    if (control.validity.badInput) throw new FieldError(this.field.name, "notNumber");
    const typed = this.#isBox ? String(/** @type {HTMLInputElement} */ (control).checked) : control.value;
    return valueOf(this.field, typed);
  }

  /** @param {unknown} value */
  fill(value) {
    if (this.#isBox) /** @type {HTMLInputElement} */ (this.#control).checked = value === true;
    else this.#control.value = textOf(this.field, value);
    this.complain("");
  }

  /** @param {string} trouble What is wrong with the value; empty: nothing. */
  complain(trouble) {
    this.#trouble.textContent = trouble;
    this.#control.setAttribute("aria-invalid", String(trouble !== ""));
  }

  focus() {
    this.#control.focus();
  }

  get #isBox() {
    return this.#control instanceof HTMLInputElement && this.#control.type === "checkbox";
  }
}

/**
 * @param {Field} field
 * @returns {Control}
 */
function controlOf(field) {
  if (field.kind === "enum") return choice(field, field.choices.map(String));
  if (field.kind === "boolean") {
    const isPlain = field.required || typeof field.initial === "boolean";
    if (isPlain) return make("input", { attributes: { type: "checkbox" } });
    const select = make("select", {}, option("", text("unset")));
    select.append(option("true", text("yes")), option("false", text("no")));
    return select;
  }
  if (field.kind === "json") {
    const attributes = { rows: 3, placeholder: text("asJson"), spellcheck: "false" };
    return make("textarea", { class: "code", attributes });
  }
  if (field.kind === "string") return line(field);
  return numeric(field);
}

/**
 * @param {Field} field
 * @param {string[]} names
 */
function choice(field, names) {
  const select = make("select");
  if (!field.required || field.nullable) select.append(option("", text("unset")));
  select.append(...names.map((name, place) => option(String(place), name)));
  return select;
}

/** @param {Field} field */
function line({ secret, schema }) {
  const [example] = schema.examples ?? [];
  const attributes = {
    type: secret ? "password" : "text",
    autocomplete: "off",
    placeholder: example === undefined ? "" : String(example),
    maxlength: schema.maxLength ?? false,
  };
  return make("input", { attributes });
}

/** @param {Field} field */
function numeric({ kind, schema }) {
  const attributes = {
    type: "number",
    step: kind === "integer" ? 1 : "any",
    min: schema.minimum ?? false,
    max: schema.maximum ?? false,
  };
  return make("input", { attributes });
}

/**
 * @param {string} value
 * @param {string} name
 */
function option(value, name) {
  return make("option", { text: name, attributes: { value } });
}
