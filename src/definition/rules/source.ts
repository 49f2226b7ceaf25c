/** Rules about what events tell of a row as it was: what could not be exact is refused. */
import type { Draft, KeyColumn } from "../draft.ts";
import type { Rules } from "./rule.ts";

export const sourceRules: Rules = {
  *"replica-identity"(draft) {
    if (draft.appendOnly !== false || draft.replicaIdentity !== "default") return;
    const missing = placeColumnsBeside(draft, draft.primaryKey);
    if (missing.length === 0) return;
    yield {
      path: ["source", "replica_identity"],
      message: `with replica identity default a delete holds the primary key only, so that nothing would tell where its row was counted: ${listed(missing)} would have to be in primary_key. Run ${alterTable(draft)} and leave replica_identity out`,
    };
  },

  *"flattened-rows"(draft) {
    if (draft.appendOnly !== false || draft.format !== "flattened") return;
    const { primaryKey, immutable } = draft;
    const missing = placeColumnsBeside(draft, primaryKey && [...primaryKey, ...immutable]);
    if (missing.length === 0) return;
    yield {
      path: ["source", "format"],
      message: `a flattened update does not hold its row as it was, so that nothing would tell where it was counted: ${listed(missing)} would have to be in primary_key, or in immutable if a row never changes them. Else send the envelope, without ExtractNewRecordState, after ${alterTable(draft)}`,
    };
  },
};

/** The columns that say where a row is counted, without those of `known`; none where that cannot be told. */
function placeColumnsBeside({ entity, eventTime, windows }: Draft, known: KeyColumn[] | undefined): string[] {
  if (known === undefined || known.some(({ column }) => column === undefined)) return [];
  const isBounded = windows.some(({ kind }) => kind !== undefined && kind !== "unbounded");
  const place = (entity ?? []).map(({ column }) => column);
  const names = new Set(isBounded ? [...place, eventTime] : place);
  for (const { column } of known) names.delete(column);
  return [...names].filter((name) => name !== undefined);
}

function alterTable({ table }: Draft): string {
  return `ALTER TABLE ${table ?? "…"} REPLICA IDENTITY FULL`;
}

function listed(names: string[]): string {
  return [names.slice(0, -1).join(", "), ...names.slice(-1)].filter(Boolean).join(" and ");
}
