/** The table itself as the truth: its rows, each an element without a history. */
import pg from "pg";
import { type Column, entityText, type FeatureSet } from "../definition/feature-set.ts";
import { FIRST, LAST, msOfMicros } from "../platform/instants.ts";
import { readRows } from "../platform/postgres.ts";
import { type ColumnValue, columnsNamed, exactValue, inputColumns, keyText } from "../stores/rows.ts";
import type { Element } from "./elements.ts";
import { reachOfWindows } from "./row-reader.ts";

export interface ReadSource {
  /** The latest time that a row tells, in ms since 1970; none is later than now. */
  latestMs: number;
}

/**
 * Hands on every row, as the table holds them at one moment.
 *
 * Throws EnvironmentError when Postgres cannot be reached or has no such table or column.
 */
export async function readSource(
  featureSet: FeatureSet,
  postgresUrl: string,
  now: Date,
  listener: { element(entity: string, element: Element): void },
): Promise<ReadSource> {
  const reader = new TableReader(featureSet);
  let latestMs = Number.NEGATIVE_INFINITY;
  await readRows<(string | null)[]>(postgresUrl, reader.query, (rows) => {
    for (const row of rows) {
      const { entity, element } = reader.read(row);
      latestMs = Math.max(latestMs, Math.min(msOfMicros(element.eventTime), now.getTime()));
      listener.element(entity, element);
    }
  });
  return { latestMs };
}

const VERSION = { commit: 0, lsn: 0, rank: 1 } as const;

/** From columns of text to elements; every number comes as exact text. */
export class TableReader {
  readonly query: string;
  readonly #entity: Column[];
  readonly #key: Column[];
  readonly #inputs: Column[];

  constructor(featureSet: FeatureSet) {
    this.#entity = columnsNamed(featureSet, featureSet.entity);
    this.#key = columnsNamed(featureSet, featureSet.source.primaryKey);
    this.#inputs = inputColumns(featureSet);
    const [eventTime] = columnsNamed(featureSet, [featureSet.source.eventTime]) as [Column];
    this.query = queryOf(featureSet, [eventTime, ...this.#entity, ...this.#key, ...this.#inputs]);
  }

  read([eventTime, ...texts]: (string | null)[]): { entity: string; element: Element } {
    let at = 0;
    const next = (column: Column): ColumnValue => exactValue(texts[at++] ?? null, column);
    const keys = (columns: Column[]) => columns.map((column) => keyText(next(column), column.type));
    const entity = entityText(keys(this.#entity));
    const key = keys(this.#key);
    const values = this.#inputs.map(next);
    const element: Element = {
      key,
      eventTime: BigInt(eventTime as string),
      values,
      version: VERSION,
      isGone: false,
      batch: 0,
      partition: 0,
      offset: 0,
    };
    return { entity, element };
  }
}

/** Rows that belong to an entity and that the job can read. */
function queryOf(featureSet: FeatureSet, columns: Column[]): string {
  const { entity, source } = featureSet;
  const name = pg.escapeIdentifier;
  const exact = `extract(epoch from ${name(source.eventTime)}) * 1000000`;
  const reach = reachOfWindows(featureSet);
  const conditions = [
    ...[...entity, source.eventTime].map((column) => `${name(column)} is not null`),
    ...source.columns.flatMap(decodable),
    `${exact} between ${FIRST + reach} and ${LAST - reach}`,
  ];
  return (
    `select ${columns.map(textOf).join(", ")} from ${name(source.schema)}.${name(source.table)} ` +
    `where ${conditions.join(" and ")}`
  );
}

/** Times as micros, dates as days, decimals in units of the last digit. `extract(epoch …)` is an exact numeric. */
function textOf(declared: Column): string {
  const { name, type } = declared;
  const column = pg.escapeIdentifier(name);
  switch (type.kind) {
    case "timestamp":
      return `trunc(extract(epoch from ${column}) * 1000000)::text`;
    case "date":
      return `(${column} - date '1970-01-01')::text`;
    case "decimal": {
      const value = isNullWhenNaN(declared) ? `nullif(${column}::numeric, 'NaN')` : `${column}::numeric`;
      return `trunc(${value} * 1e${type.scale})::text`;
    }
    default:
      return `${column}::text`;
  }
}

/** Debezium's default mode, `precise`, has no way to write NaN and sends null. */
function isNullWhenNaN({ type }: Column): boolean {
  return type.kind === "decimal" && type.encoding !== "text";
}

/** The job sets rows aside that a column's type cannot hold: infinities, NaN, too many digits. */
function decodable(declared: Column): string[] {
  const { name, type } = declared;
  const column = pg.escapeIdentifier(name);
  if (type.kind === "timestamp" || type.kind === "date")
    return [`(${column} is null or isfinite(${column}))`];
  if (type.kind !== "decimal") return [];
  const numeric = `${column}::numeric`;
  const fits = `abs(${numeric}) < 1e${type.precision - type.scale} and ${numeric} = trunc(${numeric}, ${type.scale})`;
  // NaN is above every number.
  return [`(${column} is null or (${fits})${isNullWhenNaN(declared) ? ` or ${numeric} = 'NaN'` : ""})`];
}
