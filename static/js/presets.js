// @ts-check
/**
 * Requests worth trying first; shown where the hub offers their commands.
 */

/** @import { Command } from "./catalogue.js" */
/** @import { Request } from "./memory.js" */

/** @typedef {{title: string, request: Request}} Preset */

/** @type {Preset[]} */
const PRESETS = [
  preset("presetCountdown", "demo", "countdown", { seconds: 10, interval: 0.5 }),
  preset("presetSeattle", "weather", "history", {
    city: "Seattle",
    year: 2015,
    pace_ms: 20,
  }),
  preset("presetNewYork", "weather", "history", { city: "New York", pace_ms: 2 }),
  preset("presetRows", "demo", "rows", { count: 60, pace_ms: 100 }),
  preset("presetChunks", "demo", "chunks", { count: 10_000, size: 64 }),
  preset("presetFailure", "demo", "failure", {}),
];

/**
 * The presets that these commands can run.
 * @param {Command[]} commands
 * @returns {Preset[]}
 */
export function presetsOf(commands) {
  return PRESETS.filter(({ request }) => commands.some((command) => fits(command, request)));
}

/**
 * @param {Command} command
 * @param {Request} request
 */
function fits({ plugin, command, fields, refused }, request) {
  if (plugin !== request.plugin || command !== request.command) return false;
  const names = new Set(fields?.map(({ name }) => name));
  const isKnown = Object.keys(request.params).every((name) => names.has(name));
  return refused === null && (fields === null || isKnown);
}

/**
 * @param {string} title
 * @param {string} plugin
 * @param {string} command
 * @param {Record<string, unknown>} params
 * @returns {Preset}
 */
function preset(title, plugin, command, params) {
  return { title, request: { plugin, command, params } };
}
