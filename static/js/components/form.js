// @ts-check
/**
 * The form of one command: a control for each parameter, or one field of JSON.
 */

import { make } from "../dom.js";
import { FieldError, objectOf } from "../schema.js";
import { text } from "../texts.js";
import { FieldView } from "./field.js";

/** @import { Command } from "../catalogue.js" */
/** @import { Field } from "../schema.js" */
/** @import { Request } from "../memory.js" */

/** Where any object will do, its text is the one field. */
const WHOLE = "params";

export class Form {
  #views;
  /** @type {FieldView | null} Where the command's name is typed, if any will do. */
  #name;
  #cache;
  #deadline;

  /** @param {Command} command */
  constructor(command) {
    this.command = command;
    this.#views = (command.fields ?? [whole()]).map((field) => new FieldView(field));
    this.#name = command.command === "" ? new FieldView(nameField()) : null;
    this.#cache = cacheChoice();
    this.#deadline = make("input", {
      attributes: { id: "deadline", type: "number", min: 1, max: 86_400, step: 1 },
    });
    const options = make("details", {}, make("summary", { text: text("options") }));
    if (command.cached) options.append(labelled("cache", this.#cache));
    options.append(labelled("deadline", this.#deadline));
    const views = this.#name === null ? this.#views : [this.#name, ...this.#views];
    this.element = make("div", { class: "form" }, ...views.map((view) => view.element));
    if (this.#views.length === 0) {
      this.element.append(make("p", { class: "note", text: text("noParams") }));
    }
    this.element.append(options);
  }

  /**
   * What to run; a field that cannot be sent is marked, and null returned.
   * @returns {Request | null}
   */
  get request() {
    const { plugin, cached } = this.command;
    const command = this.command.command || String(this.#name?.value ?? "");
    const params = this.#params();
    if (params === null) return null;
    /** @type {Request} */
    const request = { plugin, command, params };
    if (cached && this.#cache.value !== "use") request.cache = this.#cache.value;
    const seconds = this.#deadline.valueAsNumber;
    if (seconds > 0) request.deadline_ms = Math.round(seconds * 1000);
    return request;
  }

  /** @param {Record<string, unknown>} params */
  fill(params) {
    for (const view of this.#views) {
      const isWhole = this.command.fields === null;
      view.fill(isWhole ? params : (params[view.field.name] ?? view.field.initial));
    }
  }

  /**
   * Mark a field, by what the hub or this page found wrong with it.
   * @param {string} name
   * @param {string} trouble
   */
  complain(name, trouble) {
    const view = this.#views.find(({ field }) => field.name === name);
    view?.complain(trouble);
    view?.focus();
  }

  /** @returns {Record<string, unknown> | null} */
  #params() {
    /** @type {Record<string, unknown>} */
    const params = {};
    for (const view of this.#views) {
      try {
        const value = view.value;
        if (this.command.fields === null) return objectOf(value);
        if (value !== undefined) params[view.field.name] = value;
      } catch (error) {
        if (!(error instanceof FieldError)) throw error;
        this.complain(view.field.name, text(error.reason));
        return null;
      }
    }
    return params;
  }
}

/** The base of fields that no schema describes. */
const PLAIN = {
  description: "",
  required: false,
  nullable: false,
  secret: false,
  choices: [],
  schema: {},
};

/** @returns {Field} */
function whole() {
  return { ...PLAIN, name: WHOLE, title: text("params"), kind: "json", initial: {} };
}

/** @returns {Field} */
function nameField() {
  const title = text("commandName");
  return { ...PLAIN, name: "command-name", title, kind: "string", initial: "" };
}

function cacheChoice() {
  const names = { use: "cacheUse", refresh: "cacheRefresh", off: "cacheOff" };
  const options = Object.entries(names).map(([value, name]) =>
    make("option", { text: text(name), attributes: { value } }),
  );
  return make("select", { attributes: { id: "cache" } }, ...options);
}

/**
 * @param {string} name
 * @param {HTMLElement} control
 */
function labelled(name, control) {
  const label = make("label", { text: text(name), attributes: { for: name } });
  return make("div", { class: "field" }, label, control);
}
