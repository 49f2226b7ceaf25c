/** The features hash of an entity, field by field, against the expectation. */
import { onlineKey } from "../definition/feature-set.ts";
import { isoOfMicros, microsOfIso } from "../platform/instants.ts";
import type { OnlineHash } from "../stores/online.ts";
import {
  Findings,
  isoOfMs,
  judge,
  onlineFields,
  type Scope,
  type Stored,
  type StoredRow,
  wrongComputedAt,
} from "./compare.ts";
import { newestRow, wrongVersion } from "./compare-companion.ts";
import type { EntityExpectation } from "./expectation.ts";
import { type WindowEntry, windowField } from "./window-entry.ts";

type Served = NonNullable<ReturnType<EntityExpectation["served"]>>;

export function compareOnline(scope: Scope, expectation: EntityExpectation, stored: Stored): Findings {
  const findings = new Findings(scope, stored.entity, "online");
  const key = onlineKey(scope.featureSet, stored.entity ?? "");
  const hash = stored.features;
  const served = expectation.served(scope.now);
  if (hash === undefined) {
    if (served !== undefined) reportMissing(scope, expectation, stored, served, { findings, key });
  } else if ("problem" in hash && served !== undefined) {
    const because = `${key} cannot be read as a hash: ${hash.problem}`;
    findings.report({
      feature: null,
      expected: "a hash",
      actual: hash.problem,
      because,
      kind: "different",
    });
  } else if (served === undefined) {
    reportExtra(scope, expectation, hash, { findings, key });
  } else if ("fields" in hash) {
    if (hash.expires) {
      const because = `${key} has an expiry, which the job does not set: it would go away by itself`;
      findings.report({
        feature: null,
        expected: "no expiry",
        actual: "an expiry",
        because,
        kind: "extra",
      });
    }
    const { slot } = served.slot;
    const newest = scope.inStep ? newestRow(stored, slot) : undefined;
    const comparison = new FieldsComparison(scope, findings, hash.fields, served, newest);
    comparison.compare(stored.companion?.entry(windowField(slot)));
  }
  return findings;
}

interface Reporting {
  findings: Findings;
  key: string;
}

function reportMissing(
  scope: Scope,
  expectation: EntityExpectation,
  stored: Stored,
  { slot }: Served,
  { findings, key }: Reporting,
): void {
  // It may have become final since the job came to the end of the log.
  if (slot.isKept === undefined) return;
  if (scope.isAsOfNow && expectation.served(scope.tolerated(null)) === undefined) return;
  const because = scope.isAsOfNow
    ? `${key} should be there: the entity has rows`
    : `${key} should be there: the entity has rows in the window of ${isoOfMs(slot.slot)}`;
  const missing = { feature: null, expected: key, actual: null };
  const deleted = newestRow(stored, slot.slot);
  const hadNone =
    scope.isAsOfNow && deleted?.isDeleted === true && deleted.createdTimestamp !== null
      ? expectation.served(deleted.createdTimestamp) === undefined
      : false;
  findings.report(
    hadNone
      ? { ...missing, because: `${because} that were still to come when the job looked last`, kind: "stale" }
      : { ...missing, because, kind: "missing" },
    slot.slot,
  );
}

function reportExtra(
  scope: Scope,
  expectation: EntityExpectation,
  hash: OnlineHash,
  { findings, key }: Reporting,
): void {
  const extra = { feature: null, expected: null, actual: key };
  const windows = scope.isAsOfNow ? "in any window" : "in a window that is kept";
  const because = `${key} should not be there: the entity has no rows ${windows}`;
  const computedAt = "fields" in hash ? microsOfIso(hash.fields.get("_computed_at") ?? "") : undefined;
  if (!scope.isAsOfNow || computedAt === undefined) {
    findings.report({ ...extra, because, kind: "extra" });
  } else if (expectation.served(scope.tolerated(computedAt)) === undefined) {
    const hadRows = expectation.served(computedAt) !== undefined;
    findings.report(
      hadRows
        ? { ...extra, because: `${because} any more`, kind: "stale" }
        : { ...extra, because, kind: "extra" },
    );
  }
}

class FieldsComparison {
  readonly #scope: Scope;
  readonly #findings: Findings;
  readonly #fields: Map<string, string>;
  readonly #served: Served;
  readonly #newest: StoredRow | undefined;

  constructor(
    scope: Scope,
    findings: Findings,
    fields: Map<string, string>,
    served: Served,
    newest: StoredRow | undefined,
  ) {
    this.#scope = scope;
    this.#findings = findings;
    this.#fields = fields;
    this.#served = served;
    this.#newest = newest;
  }

  compare(companion: WindowEntry | undefined): void {
    const expected = onlineFields(this.#scope, this.#served.computed);
    for (const [field, text] of expected) this.#compareField(field, text);
    this.#checkComputedAt(companion);
    this.#checkVersion(companion);
    const { featureSet } = this.#scope;
    for (const [name, actual] of this.#fields) {
      if (expected.has(name) || name === "_computed_at" || name === "_version") continue;
      const because = `${name} is no field of ${featureSet.name}`;
      this.#report({ feature: name, expected: null, actual, because, kind: "extra" });
    }
  }

  /** A value that depends on now and was right when it was computed is stale, but for a moment. */
  #compareField(feature: string, expected: string | null): void {
    this.#findings.checkedValues += 1;
    const actual = this.#fields.get(feature) ?? null;
    const verdict = judge(this.#scope, { feature, expected, actual });
    if (verdict === undefined) return;
    const compared = { feature, expected, actual };
    const computedAt = microsOfIso(this.#fields.get("_computed_at") ?? "");
    if (computedAt === undefined || !this.#scope.aged.has(feature)) {
      this.#report({ ...compared, ...verdict });
      return;
    }
    if (this.#textAt(feature, this.#scope.tolerated(computedAt)) === actual) return;
    if (this.#textAt(feature, computedAt) !== actual) {
      this.#report({ ...compared, ...verdict });
      return;
    }
    const because = `${feature} was ${actual ?? "absent"} when it was computed and is ${expected ?? "absent"} ${
      this.#scope.isAsOfNow ? "now" : "today"
    }`;
    this.#report({ ...compared, because, kind: "stale" });
  }

  /** Undefined at a moment when there is nothing to show. */
  #textAt(feature: string, time: bigint): string | null | undefined {
    const computed = this.#served.slot.at(time);
    return computed === null ? undefined : onlineFields(this.#scope, computed).get(feature);
  }

  /** The script copies what it serves from the companion hash, time of computing included. */
  #checkComputedAt(companion: WindowEntry | undefined): void {
    const feature = "_computed_at";
    const text = this.#fields.get(feature);
    const copied = companion?.values?.get(feature);
    const time = text?.endsWith("Z") ? microsOfIso(text) : undefined;
    const batchCreatedAt = this.#newest?.createdTimestamp;
    const problem = wrongComputedAt(time, { now: this.#scope.now, batchCreatedAt });
    const expected = copied ?? `an ISO time in UTC, at most ${isoOfMicros(this.#scope.now)}`;
    if (text === undefined || (problem === undefined && copied !== undefined)) {
      this.#findings.compare({ feature, expected, actual: text ?? null }, this.#served.slot.slot);
      return;
    }
    this.#findings.checkedValues += 1;
    if (problem === undefined) return;
    this.#report({
      feature,
      expected,
      actual: text,
      because: `${feature} ${problem}: ${text}`,
      kind: "different",
    });
  }

  #checkVersion(companion: WindowEntry | undefined): void {
    this.#findings.checkedValues += 1;
    const feature = "_version";
    const text = this.#fields.get(feature);
    let expected = wrongVersion(this.#scope, text, this.#newest);
    // Else the companion is judged on its own.
    const isByCompanion =
      this.#newest === undefined || this.#scope.isAsOfNow || this.#scope.begins !== undefined;
    if (expected === undefined && isByCompanion) expected = companion?.version;
    if (expected === undefined) return;
    const actual = text ?? null;
    const verdict = judge(this.#scope, { feature, expected, actual });
    if (verdict !== undefined) this.#report({ feature, expected, actual, ...verdict });
  }

  #report(difference: Parameters<Findings["report"]>[0]): void {
    this.#findings.report(difference, this.#served.slot.slot);
  }
}
