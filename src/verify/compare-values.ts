/** The features of an entity in Redis against the expectation, and none of the store's own fields: anybody may have written them. */
import { onlineKey } from "../definition/feature-set.ts";
import { Findings, isoOfMs, onlineFields, type Scope, type Stored } from "./compare.ts";
import type { EntityExpectation } from "./expectation.ts";

export function compareValues(scope: Scope, expectation: EntityExpectation, stored: Stored): Findings {
  const findings = new Findings(scope, stored.entity, "online");
  const key = onlineKey(scope.featureSet, stored.entity ?? "");
  const hash = stored.features;
  const served = expectation.served(scope.now);
  if (served === undefined) {
    if (hash === undefined) return findings;
    const windows = scope.isAsOfNow ? "in any window" : "in a window that is kept";
    const because = `${key} should not be there: the entity has no rows ${windows}`;
    findings.report({ feature: null, expected: null, actual: key, because, kind: "extra" });
    return findings;
  }
  const { slot, computed } = served;
  if (hash === undefined) {
    // The table does not tell whether the window is final by now.
    if (slot.isKept === undefined) return findings;
    const where = scope.isAsOfNow ? "" : ` in the window of ${isoOfMs(slot.slot)}`;
    const because = `${key} should be there: the entity has rows${where}`;
    findings.report({ feature: null, expected: key, actual: null, because, kind: "missing" }, slot.slot);
  } else if ("problem" in hash) {
    const because = `${key} cannot be read as a hash: ${hash.problem}`;
    const compared = { feature: null, expected: "a hash", actual: hash.problem };
    findings.report({ ...compared, because, kind: "different" }, slot.slot);
  } else {
    const expected = onlineFields(scope, computed);
    const others = [...hash.fields.keys()].filter((name) => !scope.types.has(name) && !name.startsWith("_"));
    for (const feature of scope.types.keys()) {
      const actual = hash.fields.get(feature) ?? null;
      findings.compare({ feature, expected: expected.get(feature) ?? null, actual }, slot.slot);
    }
    for (const feature of others) {
      const because = `${feature} is no feature of ${scope.featureSet.name}`;
      const actual = hash.fields.get(feature) ?? null;
      findings.report({ feature, expected: null, actual, because, kind: "extra" }, slot.slot);
    }
  }
  return findings;
}
