import { columnRules } from "./columns.ts";
import { expressionRules } from "./expressions.ts";
import { featureRules } from "./features.ts";
import { modeRules } from "./mode.ts";
import { nameRules } from "./names.ts";
import { referenceRules } from "./references.ts";
import type { Rules } from "./rule.ts";
import { sourceRules } from "./source.ts";
import { validationRules } from "./validation.ts";
import { watchingRules } from "./watching.ts";
import { windowRules } from "./windows.ts";

/** What a definition of the right form must hold to; the key is the name a diagnostic shows. */
export const rules: Rules = {
  ...nameRules,
  ...columnRules,
  ...sourceRules,
  ...windowRules,
  ...modeRules,
  ...featureRules,
  ...referenceRules,
  ...expressionRules,
  ...validationRules,
  ...watchingRules,
};
