// @ts-check
/**
 * What the hub offers: its plugins and commands, asked for once.
 */

import { fieldsOf } from "./schema.js";

/** @import { Field } from "./schema.js" */

/**
 * @typedef {object} Command
 * @property {string} plugin
 * @property {string} command Empty where the plugin takes any name.
 * @property {string} description
 * @property {Field[] | null} fields Null where any JSON object is accepted.
 * @property {boolean} cached Whether its results may come from the cache.
 * @property {string | null} refused Why it cannot be run.
 */

/**
 * @typedef {object} PluginInfo
 * @property {string} name
 * @property {string} version
 * @property {string} description
 * @property {Command[]} commands
 */

/** @typedef {{name: string, where: string, reason: string}} Refusal */

/** @typedef {{plugins: PluginInfo[], refused: Refusal[]}} Catalogue */

/** The command of a plugin that names none: it takes any. */
const ANY = { name: "" };

/**
 * Ask the hub what it offers.
 * @param {string} locale
 * @returns {Promise<Catalogue>}
 * @throws {Error} If it cannot be reached or answers with an error.
 */
export async function fetchCatalogue(locale) {
  const answer = await fetch("api/v1/plugins", {
    headers: { Accept: "application/json", "Accept-Language": locale },
  });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return catalogueOf(await answer.json());
}

/**
 * @param {any} body
 * @returns {Catalogue}
 */
export function catalogueOf(body) {
  return {
    plugins: (body.plugins ?? []).map(pluginOf),
    refused: (body.refused ?? []).map((/** @type {any} */ refusal) => ({
      name: String(refusal.name ?? ""),
      where: [refusal.file, refusal.line].filter(Boolean).join(":"),
      reason: String(refusal.reason ?? ""),
    })),
  };
}

/**
 * @param {any} plugin
 * @returns {PluginInfo}
 */
function pluginOf(plugin) {
  const named = plugin.commands ?? [];
  const commands = named.length > 0 ? named : [ANY];
  return {
    name: plugin.name,
    version: plugin.version ?? "",
    description: plugin.description ?? "",
    commands: commands.map((/** @type {any} */ command) => ({
      plugin: plugin.name,
      command: command.name,
      description: command.description ?? "",
      fields: fieldsOf(command.schema),
      cached: typeof command.ttl === "number" || command.ttl === true,
      refused: command.refused ?? null,
    })),
  };
}
