/** Names that are at once legal in Redis keys, folders, Parquet, SQL and Python. */
import type { Wrong } from "./wrong.ts";

/** 63 characters are what Postgres keeps of an identifier. */
export const NAME_PATTERN = /^[a-z][a-z0-9_]{0,62}$/;

/** Columns belong to the database, so capitals are theirs to choose. */
export const COLUMN_NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/** With a letter, because one of digits alone says no unit (and JavaScript would reorder it). */
export const WINDOW_NAME_PATTERN = /^(?=[0-9]*[a-z_])[a-z0-9][a-z0-9_]{0,62}$/;

/** Debezium would change any other character on the way into the topic's name. */
export const TABLE_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,62}\.[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/** Columns of every Parquet file beside the features. */
export const STORE_COLUMNS: readonly string[] = [
  "window_start",
  "window_end",
  "event_timestamp",
  "created_timestamp",
  "batch_id",
  "is_deleted",
];

/** Words that SQL, Python or the expression language would not take as a name without quotes. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "and as assert async await break class continue def del elif else except finally for from global if import in is " +
    "lambda nonlocal not or pass raise return try while with yield true false none null " +
    "all any between both by case cast check collate column constraint create cross current_date current_time " +
    "current_timestamp current_user distinct drop end exists fetch filter full grant group having inner insert " +
    "intersect interval into join leading left like limit natural offset on only order outer overlaps primary " +
    "references right select session_user set some table then time to trailing union unique unknown update user " +
    "using values when where window"
  ).split(" "),
);

export function explainName(value: unknown): Wrong {
  const text = String(value);
  const suggestion = text
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[0-9_]+|_+$/g, "");
  return {
    message: text.startsWith("_")
      ? `names that begin with _ are reserved for the stores' own fields: ${JSON.stringify(text)}`
      : `${JSON.stringify(value)} cannot be a name`,
    allowed: ["a lower-case letter, then lower-case letters, digits and _, at most 63 in all"],
    suggestion: NAME_PATTERN.test(suggestion) ? suggestion : undefined,
  };
}

export function explainColumnName(value: unknown): Wrong {
  return {
    message: `${JSON.stringify(value)} cannot be the name of a column`,
    allowed: ["a letter or _, then letters, digits and _, at most 63 in all"],
  };
}

export function explainWindowName(value: unknown): Wrong {
  const suggestion = String(value)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return {
    message: /^[0-9]+$/.test(String(value))
      ? `${value} as the name of a window says no unit`
      : `${JSON.stringify(value)} cannot be the name of a window`,
    allowed: ["lower-case letters, digits and _, at most 63 in all, as in 30d"],
    suggestion: WINDOW_NAME_PATTERN.test(suggestion) ? suggestion : undefined,
  };
}

export function explainTable(value: unknown): Wrong {
  const isBareName = typeof value === "string" && COLUMN_NAME_PATTERN.test(value);
  return {
    message: isBareName
      ? `table ${JSON.stringify(value)} needs its schema in front`
      : `${JSON.stringify(value)} is not a table`,
    allowed: ["schema.table in letters, digits and _"],
    suggestion: isBareName ? `public.${value}` : undefined,
  };
}
