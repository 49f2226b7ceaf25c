/** Rules about the columns of the source. */
import type { Path } from "../diagnostics.ts";
import type { Draft } from "../draft.ts";
import type { ColumnType } from "../feature-set.ts";
import { COLUMN_NAME_PATTERN } from "../names.ts";
import { nearest } from "../nearest.ts";
import type { Rules } from "./rule.ts";

type Kind = ColumnType["kind"];

interface Use {
  column: string;
  path: Path;
  /** What the column is used as, with the kinds that can be that; any kind when left out. */
  as: string;
  kinds?: readonly Kind[];
}

const KEY_KINDS: readonly Kind[] = ["bigint", "integer", "text"];
const SUMMABLE_KINDS: readonly Kind[] = ["bigint", "integer", "decimal"];

function usesOf(draft: Draft): Use[] {
  const { entity, primaryKey, eventTime, features } = draft;
  const uses: Use[] = [];
  if (entity) uses.push({ column: entity, path: ["entity"], as: "the entity", kinds: KEY_KINDS });
  if (primaryKey) {
    uses.push({
      column: primaryKey,
      path: ["source", "primary_key"],
      as: "the primary key",
      kinds: KEY_KINDS,
    });
  }
  if (eventTime) {
    uses.push({
      column: eventTime,
      path: ["source", "event_time"],
      as: "the event time",
      kinds: ["timestamp"],
    });
  }
  for (const [name, feature] of features ?? []) {
    if (feature?.kind !== "aggregated" || feature.aggregate === "count") continue;
    const path = ["features", name, "column"];
    const isSum = feature.aggregate === "sum";
    uses.push({
      column: feature.column,
      path,
      as: feature.aggregate,
      ...(isSum && { kinds: SUMMABLE_KINDS }),
    });
  }
  return uses;
}

export const columnRules: Rules = {
  *"unknown-column"({ columns, ...draft }) {
    if (columns === undefined) return;
    for (const { column, path } of usesOf({ columns, ...draft })) {
      if (columns.has(column)) continue;
      const allowed = [...columns.keys()];
      yield {
        path,
        message: `${column} is not among source.columns`,
        allowed,
        suggestion: nearest(column, allowed),
      };
    }
  },

  *"column-type"(draft) {
    for (const { column, path, as, kinds } of usesOf(draft)) {
      const kind = draft.columns?.get(column)?.type.kind;
      if (kind === undefined || kinds === undefined || kinds.includes(kind)) continue;
      yield {
        path,
        message: `${column} is a ${kind}, which cannot be ${as === "sum" ? "summed" : as}`,
        allowed: kinds,
      };
    }
  },

  /** An event whose value for such a column cannot be read would be set aside for nothing. */
  *"unused-column"(draft) {
    const { columns, entity, primaryKey, eventTime, features } = draft;
    const used = new Set(usesOf(draft).map(({ column }) => column));
    const isAllKnown =
      entity && primaryKey && eventTime && features?.size && ![...features.values()].includes(undefined);
    if (columns === undefined || !isAllKnown || [...used].some((column) => !columns.has(column))) return;
    for (const column of columns.keys()) {
      if (used.has(column) || !COLUMN_NAME_PATTERN.test(column)) continue;
      yield {
        path: ["source", "columns", column],
        atKey: true,
        message: `no feature reads ${column}; leave it out`,
      };
    }
  },

  *"duplicate-column"({ columns }) {
    const seen = new Map<string, string>();
    for (const column of columns?.keys() ?? []) {
      const other = seen.get(column.toLowerCase());
      if (other !== undefined) {
        const message = `${column} and ${other} are the same name for Spark`;
        yield { path: ["source", "columns", column], atKey: true, message };
      }
      seen.set(column.toLowerCase(), column);
    }
  },

  *"decimal-size"({ columns }) {
    for (const [column, known] of columns ?? []) {
      if (known?.type.kind !== "decimal") continue;
      const { precision, scale } = known.type;
      const allowed = [
        "decimal(precision,scale) with a precision from 1 to 38 and a scale from 0 to the precision",
      ];
      if (precision >= 1 && precision <= 38 && scale <= precision) continue;
      yield {
        path: typePath(column, known.written),
        message: `there is no decimal(${precision},${scale})`,
        allowed,
      };
    }
  },

  *"decimal-encoding"({ columns }) {
    for (const [column, known] of columns ?? []) {
      if (known?.type.kind !== "decimal" || known.type.scale > 0 || known.type.encoding !== "auto") continue;
      const message = `${column} has no digits after the point, so that its encoding cannot be told by its text`;
      const allowed = [
        "encoding: precise (Debezium's default decimal.handling.mode)",
        "encoding: text (the modes string and double)",
      ];
      yield { path: typePath(column, known.written), message, allowed };
    }
  },

  *"column-hint"({ columns }) {
    for (const [column, known] of columns ?? []) {
      if (known === undefined || typeof known.written === "string") continue;
      const { encoding, unit } = known.written;
      const path = ["source", "columns", column];
      if (encoding !== undefined && known.type.kind !== "decimal") {
        yield {
          path: [...path, "encoding"],
          atKey: true,
          message: `only a decimal has an encoding, not a ${known.type.kind}`,
        };
      }
      if (unit !== undefined && known.type.kind !== "timestamp") {
        yield {
          path: [...path, "unit"],
          atKey: true,
          message: `only a timestamp has a unit, not a ${known.type.kind}`,
        };
      }
    }
  },
};

function typePath(column: string, written: unknown): Path {
  const path = ["source", "columns", column];
  return typeof written === "string" ? path : [...path, "type"];
}
