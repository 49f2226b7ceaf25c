/** The rows of both periods in one table, `compared`: a column for each feature, and `_is_current`. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { type DriftWindows, type Feature, type FeatureSet, isAsOfNow } from "../definition/feature-set.ts";
import { EnvironmentError } from "../errors.ts";
import { identifier } from "../platform/duckdb.ts";
import { parquet, schemaProblem, slotKeys } from "../stores/offline.ts";
import { textExpression } from "../stores/parquet-columns.ts";
import type { Both } from "./feature-drift.ts";
import type { Period } from "./periods.ts";

/** Of a period. */
export interface Rows {
  rows: number;
  /** Of `all` windows, those among the rows that went on when the period ended; of finished ones, those that the current period leaves out. */
  filling: number;
}

export interface Compared {
  files: string[];
  features: Feature[];
  windows: DriftWindows;
  periods: Both<Period>;
}

/**
 * Of each window, or of each entity in a set as of now, the newest row of the period. Numbers are doubles, since this is
 * statistics and not money; everything else is text.
 *
 * Gives what each period has. Throws EnvironmentError for a file that cannot be used.
 */
export async function createCompared(
  connection: DuckDBConnection,
  featureSet: FeatureSet,
  { files, features, windows, periods }: Compared,
): Promise<Both<Rows>> {
  const newest = (isCurrent: boolean, period: Period) =>
    `SELECT ${[`${isCurrent} AS _is_current`, `${isFilling(featureSet, period)} AS _is_filling`, ...features.map(columnOf)].join(", ")} ` +
    `FROM (${newestOf(featureSet, files, { ...period, windows })}) r WHERE NOT r.is_deleted`;
  try {
    const problem = await schemaProblem(connection, featureSet, files);
    if (problem !== undefined) throw new Error(problem);
    await connection.run(
      `CREATE TABLE compared AS ${newest(false, periods.reference)} UNION ALL ${newest(true, periods.current)}`,
    );
  } catch (error) {
    throw await unusable(connection, featureSet, files, error as Error);
  }
  const counted = await connection.runAndReadAll(
    "SELECT _is_current, count(*), count(*) FILTER (_is_filling) FROM compared GROUP BY ALL",
  );
  const rowsOf = (isCurrent: boolean): Rows => {
    const [, rows = 0, filling = 0] = counted.getRows().find(([current]) => current === isCurrent) ?? [];
    return { rows: Number(rows), filling: Number(filling) };
  };
  const found = { reference: rowsOf(false), current: rowsOf(true) };
  if (windows === "all") return found;
  const all = newestOf(featureSet, files, { ...periods.current, windows: "all" });
  const leftOut = await connection.runAndReadAll(
    `SELECT count(*) FROM (${all}) r WHERE NOT r.is_deleted AND ${isFilling(featureSet, periods.current)}`,
  );
  return { ...found, current: { ...found.current, filling: Number(leftOut.getRows()[0]?.[0]) } };
}

/** Of a row `r`, whether its window goes on when the period ends. */
function isFilling(featureSet: FeatureSet, { to }: Period): string {
  return isAsOfNow(featureSet) ? "false" : `epoch_us(r.window_end) > ${to}`;
}

export function isNumber({ type: { kind } }: Feature): boolean {
  return kind === "bigint" || kind === "integer" || kind === "decimal";
}

function columnOf(feature: Feature): string {
  const column = `r.${identifier(feature.name)}`;
  const value = isNumber(feature) ? `${column}::DOUBLE` : textExpression(column, feature.type.kind);
  return `${value} AS ${identifier(feature.name)}`;
}

/**
 * A row that says a window is gone has no event time: it ends the older rows of its window in either period. Of finished windows
 * those that begin before the first one ends are left out, since the history may begin in their midst.
 */
function newestOf(
  featureSet: FeatureSet,
  files: string[],
  { from, to, windows }: Period & { windows: DriftWindows },
): string {
  const [time, end] = ["epoch_us(event_timestamp)", "epoch_us(window_end)"];
  const isInPeriod =
    windows === "finished"
      ? `${end} > ${from} AND ${end} <= ${to} AND window_start >= (SELECT min(window_end) FROM ${parquet(files)})`
      : `(${time} >= ${from} AND ${time} < ${to}) OR (is_deleted AND event_timestamp IS NULL)`;
  return (
    `SELECT * FROM ${parquet(files)} WHERE ${isInPeriod} ` +
    `QUALIFY row_number() OVER (PARTITION BY ${slotKeys(featureSet).join(", ")} ORDER BY batch_id DESC, created_timestamp DESC) = 1`
  );
}

/** DuckDB does not always say which file it was. */
async function unusable(
  connection: DuckDBConnection,
  featureSet: FeatureSet,
  files: string[],
  cause: Error,
): Promise<EnvironmentError> {
  for (const file of files) {
    const problem = await problemOf(connection, featureSet, file);
    if (problem !== undefined)
      return new EnvironmentError(`${file} cannot be used: ${problem}`, {
        hint: `\`cdc-features verify ${featureSet.name}\` looks at every file.`,
        cause,
      });
  }
  return new EnvironmentError(`cannot read the offline store: ${cause.message.split("\n")[0]}`, { cause });
}

async function problemOf(
  connection: DuckDBConnection,
  featureSet: FeatureSet,
  file: string,
): Promise<string | undefined> {
  try {
    const problem = await schemaProblem(connection, featureSet, [file]);
    // Reads every value.
    if (problem === undefined) await connection.run(`SELECT max(COLUMNS(*)) FROM ${parquet([file])}`);
    return problem;
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  }
}
