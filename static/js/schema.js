// @ts-check
/**
 * From a command's JSON Schema to form fields, and from what was typed to params. Pure.
 */

import { exactInteger, parseExact } from "./exact.js";

/** @typedef {"string" | "number" | "integer" | "boolean" | "enum" | "json"} FieldKind */

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} title
 * @property {string} description
 * @property {FieldKind} kind
 * @property {boolean} required
 * @property {boolean} nullable
 * @property {boolean} secret
 * @property {unknown} initial The default; undefined where there is none.
 * @property {unknown[]} choices Of an enum.
 * @property {Record<string, any>} schema
 */

/** What was typed cannot be sent; `field` says where. */
export class FieldError extends Error {
  /**
   * @param {string} field
   * @param {string} reason A key of the page's texts.
   */
  constructor(field, reason) {
    super(`${field}: ${reason}`);
    this.field = field;
    this.reason = reason;
  }
}

const SIMPLE = new Set(["string", "number", "integer", "boolean"]);

/**
 * The fields of a schema in their declared order; null where any object will do.
 * @param {Record<string, any> | null | undefined} schema
 * @returns {Field[] | null}
 */
export function fieldsOf(schema) {
  const properties = schema?.properties;
  if (typeof properties !== "object" || properties === null) {
    return schema?.additionalProperties === false ? [] : null;
  }
  const required = new Set(schema?.required ?? []);
  return Object.entries(properties).map(([name, part]) =>
    fieldOf(name, resolve(part, schema ?? {}), required.has(name)),
  );
}

/**
 * The value that a field's text means; undefined leaves the parameter out.
 * @param {Field} field
 * @param {string} text
 * @returns {unknown}
 * @throws {FieldError} If the text is no value of this field.
 */
export function valueOf(field, text) {
  if (field.kind === "boolean") return text === "" ? undefined : text === "true";
  if (field.kind === "enum") return text === "" ? empty(field) : field.choices[Number(text)];
  if (field.kind === "string") {
    return text === "" && !field.required && field.initial !== "" ? undefined : text;
  }
  if (text.trim() === "") return empty(field);
  return field.kind === "json" ? jsonOf(field.name, text) : numberOf(field, text);
}

/**
 * A field's text for a value, the way back from `valueOf`.
 * @param {Field} field
 * @param {unknown} value
 * @returns {string}
 */
export function textOf(field, value) {
  if (value === undefined || value === null) return "";
  if (field.kind === "enum") {
    const place = field.choices.findIndex((choice) => choice === value);
    return place < 0 ? "" : String(place);
  }
  return field.kind === "json" ? JSON.stringify(value) : String(value);
}

/**
 * A command's whole params; nothing typed means none.
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 * @throws {FieldError} If it is not a JSON object.
 */
export function objectOf(value = {}) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FieldError("params", "notObject");
  }
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * @param {string} name
 * @param {Record<string, any>} part
 * @param {boolean} required
 * @returns {Field}
 */
function fieldOf(name, part, required) {
  const [schema, nullable] = withoutNull(part);
  const choices = Array.isArray(schema.enum) ? schema.enum : [];
  return {
    name,
    title: part.title ?? name,
    description: part.description ?? schema.description ?? "",
    kind: kindOf(schema),
    required,
    nullable,
    secret: schema.format === "password" || part.writeOnly === true,
    initial: part.default,
    choices,
    schema,
  };
}

/**
 * @param {Record<string, any>} schema
 * @returns {FieldKind}
 */
function kindOf(schema) {
  if (Array.isArray(schema.enum)) return "enum";
  return SIMPLE.has(schema.type) ? schema.type : "json";
}

/**
 * A schema without its `null` alternative, and whether it had one.
 * @param {Record<string, any>} schema
 * @returns {[Record<string, any>, boolean]}
 */
function withoutNull(schema) {
  const isNull = (/** @type {any} */ part) => part?.type === "null";
  if (Array.isArray(schema.anyOf) && schema.anyOf.some(isNull)) {
    const rest = schema.anyOf.filter((part) => !isNull(part));
    return [rest.length === 1 ? rest[0] : { anyOf: rest }, true];
  }
  if (Array.isArray(schema.type) && schema.type.includes("null")) {
    const rest = schema.type.filter((type) => type !== "null");
    return [{ ...schema, type: rest.length === 1 ? rest[0] : rest }, true];
  }
  return [schema, schema.nullable === true];
}

/**
 * Follow one local reference; what it names stays under the keys beside it.
 * @param {Record<string, any>} part
 * @param {Record<string, any>} root
 */
function resolve(part, root) {
  const name = /^#\/\$defs\/(.+)$/.exec(part?.$ref ?? "")?.[1];
  return name === undefined ? part : { ...root.$defs?.[name], ...part };
}

/** @param {Field} field */
function empty(field) {
  if (field.required && !field.nullable) throw new FieldError(field.name, "needed");
  return field.required ? null : undefined;
}

/**
 * @param {string} name
 * @param {string} text
 */
function jsonOf(name, text) {
  try {
    return parseExact(text);
  } catch {
    throw new FieldError(name, "notJson");
  }
}

/**
 * @param {Field} field
 * @param {string} text
 */
function numberOf(field, text) {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new FieldError(field.name, "notNumber");
  if (field.kind === "number") return value;
  const digits = text.trim().replace(/^\+/, "");
  if (!/^-?\d+$/.test(digits)) throw new FieldError(field.name, "notInteger");
  return exactInteger(digits);
}
