/** The event out of a record's bytes, bare or wrapped as `{"schema","payload"}`; an envelope, or a row when flattened. */
import type { Source } from "../definition/feature-set.ts";
import { type SchemaField, Undecodable } from "./column-values.ts";
import { parseLossless } from "./json.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON from outside; every value in it is checked where it is used
type Json = any;

export interface Envelope {
  /** Whatever stands in its place; null or undefined when nothing does. */
  payload: Json;
  /** The row's columns as the event's schema describes them; empty without one. */
  fields: ReadonlyMap<string, SchemaField>;
}

const CLOSING_BRACE = "}".charCodeAt(0);
const NO_FIELDS: ReadonlyMap<string, SchemaField> = new Map();

/**
 * Parses only the payload of a record that begins with the same schema as the one before. The schema is most of
 * a wrapped record, so that this is several times faster.
 */
export class EnvelopeReader {
  readonly #isFlattened: boolean;
  #prefix: Buffer | undefined;
  #fields: ReadonlyMap<string, SchemaField> = NO_FIELDS;

  constructor(format: Source["format"] = "envelope") {
    this.#isFlattened = format === "flattened";
  }

  /** Throws SyntaxError, and Undecodable for JSON that is no object. Numbers may have lost digits, see `isFaithful`. */
  read(value: Buffer): Envelope {
    const prefix = this.#prefix;
    if (
      prefix !== undefined &&
      value.at(-1) === CLOSING_BRACE &&
      value.subarray(0, prefix.length).equals(prefix)
    ) {
      try {
        return {
          payload: JSON.parse(value.toString("utf8", prefix.length, value.length - 1)),
          fields: this.#fields,
        };
      } catch {
        // More than a payload behind the schema: read in full.
      }
    }
    const text = value.toString("utf8");
    const envelope = this.#unwrap(JSON.parse(text));
    if (envelope.fields !== NO_FIELDS) this.#remember(text, envelope);
    return envelope;
  }

  readLossless(value: Buffer): Envelope {
    return this.#unwrap(parseLossless(value.toString("utf8")));
  }

  #unwrap(json: Json): Envelope {
    if (!isObject(json)) throw new Undecodable("no event");
    // A table may have columns of these names.
    const isWrapped = this.#isFlattened
      ? Object.keys(json).sort().join() === "payload,schema"
      : "payload" in json && !("op" in json);
    if (!isWrapped) return { payload: json, fields: NO_FIELDS };
    return {
      payload: json.payload,
      fields: this.#isFlattened ? columns(json.schema) : rowFields(json.schema),
    };
  }

  #remember(text: string, { fields }: Envelope): void {
    const prefix = schemaPrefix(text);
    if (prefix === undefined) return;
    this.#prefix = Buffer.from(prefix, "utf8");
    this.#fields = fields;
  }
}

export function isObject(json: Json): json is Record<string, Json> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function rowFields(schema: Json): ReadonlyMap<string, SchemaField> {
  const images = fieldsOf(schema);
  return columns(
    images.find(({ field }) => field === "after") ?? images.find(({ field }) => field === "before"),
  );
}

function columns(schema: Json): ReadonlyMap<string, SchemaField> {
  const fields = fieldsOf(schema);
  return fields.length === 0 ? NO_FIELDS : new Map(fields.map((column) => [column.field, column]));
}

function fieldsOf(schema: Json): (SchemaField & { field: string })[] {
  const fields = isObject(schema) ? schema.fields : undefined;
  return Array.isArray(fields) ? (fields.filter(isObject) as (SchemaField & { field: string })[]) : [];
}

const PAYLOAD = ',"payload":';

/** All that comes before the payload, when the record is a schema and then a payload. */
function schemaPrefix(text: string): string | undefined {
  for (let at = text.indexOf(PAYLOAD); at >= 0; at = text.indexOf(PAYLOAD, at + 1)) {
    try {
      const head = JSON.parse(`${text.slice(0, at)}}`) as object;
      return Object.keys(head).join() === "schema" ? text.slice(0, at + PAYLOAD.length) : undefined;
    } catch {
      // The text ",payload:" within the schema.
    }
  }
  return undefined;
}
