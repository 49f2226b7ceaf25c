/** The functions of expressions: how many values each takes. What they compute is the jobs' to say. */
import type { ExpressionFunction } from "../feature-set.ts";
import { nearest } from "../nearest.ts";

interface Signature {
  least: number;
  most: number;
  takes: string;
}

export const FUNCTIONS: Record<ExpressionFunction, Signature> = {
  coalesce: { least: 2, most: Infinity, takes: "two or more values, as in coalesce(spend, 0)" },
  ratio: {
    least: 2,
    most: 3,
    takes: "two values and what to give for a division by zero, as in ratio(a, b, 0)",
  },
  bucket: { least: 2, most: Infinity, takes: "a value and one or more edges, as in bucket(spend, 10, 100)" },
  cross: { least: 2, most: Infinity, takes: "two or more values, as in cross(country, segment)" },
};

/** What SQL and others call them. */
const SYNONYMS: Record<string, ExpressionFunction> = {
  ifnull: "coalesce",
  nvl: "coalesce",
  safe_divide: "ratio",
  width_bucket: "bucket",
  bin: "bucket",
  concat: "cross",
  concat_ws: "cross",
};

export function isFunction(name: string): name is ExpressionFunction {
  return Object.hasOwn(FUNCTIONS, name);
}

export function functionMeantBy(name: string): string | undefined {
  const word = name.toLowerCase();
  return Object.hasOwn(SYNONYMS, word) ? SYNONYMS[word] : nearest(name, Object.keys(FUNCTIONS));
}
