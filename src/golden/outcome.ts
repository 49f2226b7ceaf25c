/** What came of a case, by the job or by the verifier. */
import type { FeatureValues } from "../stores/values.ts";

export interface Outcome {
  /**
   * An entity's values by name, see `featureTypes`: of the window that starts then (ms), or as served. Undefined when it
   * has no row there.
   */
  row(entity: string, windowStart: number | undefined): FeatureValues | undefined;
}
