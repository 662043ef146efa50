// @ts-check
/**
 * Where a command is picked, filled in and run.
 */

import { button, make } from "../dom.js";
import { text } from "../texts.js";
import { presetsOf } from "../presets.js";
import { Form } from "./form.js";

/** @import { Catalogue, Command } from "../catalogue.js" */
/** @import { Request } from "../memory.js" */

export class Launcher {
  /** @type {Command[]} */
  #commands = [];
  /** @type {Form | null} */
  #form = null;
  #picker = make("select", { attributes: { id: "command" } });
  #about = make("p", { class: "note" });
  #place = make("div");
  #run = make("button", { class: "primary", text: text("run"), attributes: { type: "submit" } });

  /**
   * @param {HTMLElement} element
   * @param {(request: Request) => void} run
   * @param {() => void} reload
   */
  constructor(element, run, reload) {
    this.element = element;
    this.run = run;
    this.reload = reload;
    this.#picker.addEventListener("change", () => this.#pick());
    this.#say(make("p", { class: "note", text: text("loadingPlugins") }));
  }

  /** @param {string} reason Why the list of plugins could not be had. */
  fail(reason) {
    this.#say(
      make("p", { class: "trouble", text: text("noCatalogue", { reason }) }),
      button(text("again"), this.reload),
    );
  }

  /** @param {Catalogue} catalogue */
  show({ plugins, refused }) {
    const parts = [];
    this.#commands = plugins.flatMap(({ commands }) => commands);
    if (this.#commands.length === 0) {
      parts.push(make("p", { class: "note", text: text("noPlugins") }));
    } else {
      parts.push(this.#presets(), this.#body(plugins));
    }
    if (refused.length > 0) parts.push(refusals(refused));
    this.#say(...parts);
    if (this.#commands.length > 0) this.#pick();
  }

  /**
   * Mark the field that the hub refused, if the form is still that command's.
   * @param {Request | null} request
   * @param {string} field
   * @param {string} trouble
   */
  complain(request, field, trouble) {
    const shown = this.#form?.command;
    if (shown?.plugin !== request?.plugin || shown?.command !== request?.command) return;
    this.#form?.complain(field, trouble);
  }

  /** @param {...Node} parts */
  #say(...parts) {
    this.element.replaceChildren(make("h2", { text: text("runCommand") }), ...parts);
  }

  #presets() {
    const presets = presetsOf(this.#commands);
    const chips = presets.map((preset) =>
      button(text(preset.title), () => this.#start(preset.request), "chip"),
    );
    const group = make("div", { class: "chips", attributes: { role: "group", "aria-label": text("tryIt") } }, ...chips);
    group.hidden = chips.length === 0;
    return group;
  }

  /** @param {Catalogue["plugins"]} plugins */
  #body(plugins) {
    const groups = plugins.filter(({ commands }) => commands.length > 0).map((plugin) => {
      const label = [plugin.name, plugin.version].filter(Boolean).join(" ");
      const options = plugin.commands.map((command) => {
        const value = String(this.#commands.indexOf(command));
        return make("option", { text: `${plugin.name}.${command.command || "…"}`, attributes: { value } });
      });
      return make("optgroup", { attributes: { label } }, ...options);
    });
    this.#picker.replaceChildren(...groups);
    const label = make("label", { text: text("command"), attributes: { for: "command" } });
    const picker = make("div", { class: "field" }, label, this.#picker, this.#about);
    const form = make("form", { attributes: { novalidate: true } }, picker, this.#place, this.#run);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const request = this.#form?.request;
      if (request) this.run(request);
    });
    return form;
  }

  #pick() {
    const command = this.#commands[Number(this.#picker.value)];
    const { description, refused } = command;
    this.#about.textContent = refused === null ? description : text("cannotRun", { reason: refused });
    this.#run.disabled = refused !== null;
    this.#form = new Form(command);
    this.#place.replaceChildren(this.#form.element);
  }

  /**
   * Fill the form with a ready request, and run it.
   * @param {Request} request
   */
  #start(request) {
    const place = this.#commands.findIndex(
      ({ plugin, command }) => plugin === request.plugin && command === request.command,
    );
    this.#picker.value = String(place);
    this.#pick();
    this.#form?.fill(request.params);
    this.run(request);
  }
}

/** @param {Catalogue["refused"]} refused */
function refusals(refused) {
  const items = refused.map(({ name, where, reason }) =>
    make("li", {}, make("b", { text: name }), ` ${where}`, make("p", { text: reason })),
  );
  const summary = make("summary", { text: text("refusedPlugins", { n: refused.length }) });
  return make("details", { class: "refusals" }, summary, make("ul", {}, ...items));
}
