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
  /** Windows whose latest event is in the period, and that went on when it ended; they are among the rows of `all` windows. */
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
    `SELECT ${[`${isCurrent} AS _is_current`, ...features.map(columnOf)].join(", ")} ` +
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
    "SELECT count(*) FILTER (NOT _is_current), count(*) FILTER (_is_current) FROM compared",
  );
  const [reference, current] = counted.getRows()[0] as [bigint, bigint];
  const filling = (period: Period) => fillingIn(connection, featureSet, { files, period });
  return {
    reference: { rows: Number(reference), filling: await filling(periods.reference) },
    current: { rows: Number(current), filling: await filling(periods.current) },
  };
}

async function fillingIn(
  connection: DuckDBConnection,
  featureSet: FeatureSet,
  { files, period }: { files: string[]; period: Period },
): Promise<number> {
  if (isAsOfNow(featureSet)) return 0;
  const found = await connection.runAndReadAll(
    `SELECT count(*) FROM (${newestOf(featureSet, files, { ...period, windows: "all" })}) ` +
      `WHERE NOT is_deleted AND epoch_us(window_end) > ${period.to}`,
  );
  return Number(found.getRows()[0]?.[0]);
}

export function isNumber({ type: { kind } }: Feature): boolean {
  return kind === "bigint" || kind === "integer" || kind === "decimal";
}

function columnOf(feature: Feature): string {
  const column = `r.${identifier(feature.name)}`;
  const value = isNumber(feature) ? `${column}::DOUBLE` : textExpression(column, feature.type.kind);
  return `${value} AS ${identifier(feature.name)}`;
}

/** A row that says a window is gone has no event time: it ends the older rows of its window in either period. */
function newestOf(
  featureSet: FeatureSet,
  files: string[],
  { from, to, windows }: Period & { windows: DriftWindows },
): string {
  const [time, end] = ["epoch_us(event_timestamp)", "epoch_us(window_end)"];
  const isInPeriod =
    windows === "finished"
      ? `${end} > ${from} AND ${end} <= ${to}`
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
