/** Rules about the columns of the source. */
import type { Path } from "../diagnostics.ts";
import type { Draft, KeyColumn } from "../draft.ts";
import type { ColumnType } from "../feature-set.ts";
import { COLUMN_NAME_PATTERN } from "../names.ts";
import { nearest } from "../nearest.ts";
import type { Rules } from "./rule.ts";

type Kind = ColumnType["kind"];

interface Use {
  column: string;
  path: Path;
  /** What the column cannot be if it is of another kind, with the kinds that can; any kind when left out. */
  as?: string;
  kinds?: readonly Kind[];
}

/** What tells rows or entities apart is compared exactly, and written into keys; a decimal's zeros would differ. */
const ENTITY_KINDS: readonly Kind[] = ["bigint", "integer", "text", "boolean", "date"];
const KEY_KINDS: readonly Kind[] = [...ENTITY_KINDS, "timestamp"];
const SUMMABLE_KINDS: readonly Kind[] = ["bigint", "integer", "decimal"];
const ORDERED_KINDS: readonly Kind[] = [...SUMMABLE_KINDS, "date", "timestamp"];

const AGGREGATES: Record<string, { as: string; kinds: readonly Kind[] }> = {
  sum: { as: "summed", kinds: SUMMABLE_KINDS },
  avg: { as: "averaged", kinds: SUMMABLE_KINDS },
  min: { as: "compared by size", kinds: ORDERED_KINDS },
  max: { as: "compared by size", kinds: ORDERED_KINDS },
};

function keyUses(key: readonly KeyColumn[] | undefined, as?: string, kinds?: readonly Kind[]): Use[] {
  return (key ?? []).flatMap(({ column, path }) =>
    column === undefined ? [] : [{ column, path, ...(as && kinds && { as, kinds }) }],
  );
}

function usesOf(draft: Draft): Use[] {
  const { entity, primaryKey, eventTime, features } = draft;
  const uses = [
    ...keyUses(entity, "the entity", ENTITY_KINDS),
    ...keyUses(primaryKey, "the primary key", KEY_KINDS),
  ];
  if (eventTime) {
    uses.push({
      column: eventTime,
      path: ["source", "event_time"],
      as: "the event time",
      kinds: ["timestamp"],
    });
  }
  for (const [name, feature] of features ?? []) {
    if (feature === undefined || !("column" in feature)) continue;
    const limits = feature.kind === "aggregated" ? AGGREGATES[feature.aggregate] : undefined;
    uses.push({ column: feature.column, path: ["features", name, "column"], ...limits });
  }
  return uses;
}

export const columnRules: Rules = {
  *"unknown-column"(draft) {
    const { columns, immutable } = draft;
    if (columns === undefined) return;
    for (const { column, path } of [...usesOf(draft), ...keyUses(immutable)]) {
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
        message: `${column} is a ${kind}, which cannot be ${as}`,
        allowed: kinds,
      };
    }
  },

  /** An event whose value for such a column cannot be read would be set aside for nothing. */
  *"unused-column"(draft) {
    const { columns, entity, primaryKey, eventTime, features } = draft;
    const used = new Set(usesOf(draft).map(({ column }) => column));
    const isKeyKnown = (key: KeyColumn[] | undefined) => key?.[0] && key.every(({ column }) => column);
    const isAllKnown =
      isKeyKnown(entity) &&
      isKeyKnown(primaryKey) &&
      eventTime &&
      features?.size &&
      ![...features.values()].includes(undefined);
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

  *"repeated-column"({ entity, primaryKey, immutable }) {
    for (const key of [entity ?? [], primaryKey ?? [], immutable]) {
      const columns = key.map(({ column }) => column);
      for (const [index, { column, path }] of key.entries()) {
        if (column === undefined || columns.indexOf(column) === index) continue;
        yield { path, message: `${column} is already in this list` };
      }
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
