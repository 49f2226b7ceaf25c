/** The verifier's computation of a case, from the same records as the job's. */
import type { FeatureSet } from "../definition/feature-set.ts";
import type { Computed } from "../stores/features.ts";
import type { Manifest } from "../stores/manifests.ts";
import type { FeatureValues } from "../stores/values.ts";
import type { Element } from "../verify/elements.ts";
import { Expecter } from "../verify/expectation.ts";
import { History } from "../verify/history.ts";
import { LogReader } from "../verify/log.ts";
import { truthOfLog } from "../verify/truth.ts";
import type { GoldenCase } from "./golden-case.ts";
import type { Outcome } from "./outcome.ts";

export function byVerifier(featureSet: FeatureSet, { batches, asOfMs }: GoldenCase): Outcome {
  const chain = batches.map(({ records }) => manifestOf(records[0]?.offset ?? 0, records.length));
  const elements = new Map<string, Element[]>();
  const reader = new LogReader(featureSet, chain, {
    element: (entity, element) => {
      const known = elements.get(entity);
      if (known === undefined) elements.set(entity, [element]);
      else known.push(element);
    },
  });
  for (const { offset, timestampMs, value } of batches.flatMap(({ records }) => records)) {
    reader.record({ partition: 0, offset, timestampMs, value: value === null ? null : Buffer.from(value) });
  }
  const { now: facts } = truthOfLog(chain, { topic: "", ...reader.finish() });
  const [history, expecter] = [new History(featureSet, facts), new Expecter(featureSet)];
  const now = BigInt(asOfMs) * 1000n;
  return {
    row: (entity, windowStart) => {
      const expectation = expecter.expect(history.slots(elements.get(entity) ?? []), facts.watermark);
      const computed =
        windowStart === undefined
          ? expectation.served(now)?.computed
          : expectation.slots.get(windowStart)?.at(now);
      return computed ? valuesOf(computed) : undefined;
    },
  };
}

function manifestOf(start: number, count: number): Manifest {
  const end = start + count;
  return { batch_id: end, file: null, rows: 0, offsets: { "0": [start, end] }, watermark_ms: null };
}

function valuesOf({ features, bounds, latest }: Computed): FeatureValues {
  return new Map([
    ...features,
    ["_window_start", bounds?.start ?? null],
    ["_window_end", bounds?.end ?? null],
    ["_event_time", latest],
  ]);
}
