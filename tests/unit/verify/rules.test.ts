/** Rules of validation; tests/pyspark/test_validation.py holds the job to the same cases. */
import { readFileSync } from "node:fs";
import { Big } from "big.js";
import { describe, expect, test } from "vitest";
import type { FeatureType, ValidationRule } from "../../../src/definition/feature-set.ts";
import type { FeatureValue } from "../../../src/stores/values.ts";
import { type Reference, RuleBook } from "../../../src/verify/rules.ts";
import { customer } from "./sets.ts";

interface Case {
  about: string;
  rule: Record<string, unknown> & { check: string };
  type: "decimal" | "boolean" | "text";
  value: string | null;
  served?: string | null;
  reference?: Omit<Reference, "values">;
  ageMicros?: number;
  broken: boolean;
}

const cases: Case[] = JSON.parse(readFileSync(new URL("../../fixtures/rules.json", import.meta.url), "utf8"));
const TYPES: Record<Case["type"], FeatureType> = {
  decimal: { kind: "decimal", digits: 2 },
  boolean: { kind: "boolean" },
  text: { kind: "text" },
};
const NOW = 1_800_000_000_000_000n;

function featureOf(text: string | null, type: Case["type"]): FeatureValue {
  if (text === null) return null;
  return type === "decimal" ? new Big(text) : type === "boolean" ? text === "true" : text;
}

function isBroken({ rule, type, value, served, reference, ageMicros = 0 }: Case): boolean {
  const checked = { name: "r", description: "", severity: "warn", feature: "x", ...rule } as ValidationRule;
  const featureSet = {
    ...customer,
    features: [
      {
        name: "x",
        description: "",
        type: TYPES[type],
        kind: "point_in_time",
        column: "x",
        window: "default",
      },
    ],
    validation: [checked],
  } as typeof customer;
  const references = reference ? [{ batchId: 3, rules: { r: { values: 100, ...reference } } }] : [];
  const computed = {
    features: new Map([["x", featureOf(value, type)]]),
    bounds: null,
    latest: NOW - BigInt(ageMicros),
  };
  const circumstances = {
    createdAt: NOW,
    version: 3n,
    served: served === undefined ? undefined : new Map([["x", served]]),
  };
  return new RuleBook(featureSet, references).broken(computed, circumstances).length > 0;
}

describe.each(cases.map((one) => ({ name: `${one.rule.check}: ${one.about}`, one })))("$name", ({ one }) => {
  test(one.broken ? "breaks it" : "holds", () => expect(isBroken(one)).toBe(one.broken));
});

const relation = (op: "<" | "<="): ValidationRule => ({
  name: "r",
  description: "",
  severity: "fail",
  check: "relation",
  expression: { op, left: { op: "feature", name: "total_spend_30d" }, right: { op: "literal", value: "10" } },
});

test("a relation is broken where it is false, and not where it is null", () => {
  const broken = (op: "<" | "<=", total: string | null) => {
    const computed = {
      features: new Map([["total_spend_30d", featureOf(total, "decimal")]]),
      bounds: null,
      latest: NOW,
    };
    const book = new RuleBook({ ...customer, validation: [relation(op)] }, []);
    return book.broken(computed, { createdAt: NOW, version: 1n, served: undefined }).length > 0;
  };
  expect([broken("<", "10.00"), broken("<=", "10.00"), broken("<", null)]).toEqual([true, false, false]);
});

test("an outlier is measured by what was noted last up to its batch", () => {
  const rule = {
    name: "r",
    description: "",
    severity: "fail",
    check: "outlier",
    feature: "x",
    method: "quantiles",
    threshold: 1,
    minHistory: 10,
  } as const;
  const reference = (low: number) => ({ r: { values: 10, low, high: low, scale: 1 } });
  const book = new RuleBook({ ...customer, validation: [rule] }, [
    { batchId: 3, rules: reference(0) },
    { batchId: 9, rules: reference(100) },
  ]);
  const computed = { features: new Map([["x", new Big(100)]]), bounds: null, latest: NOW };
  const isBrokenAt = (version: bigint) =>
    book.broken(computed, { createdAt: NOW, version, served: undefined }).length > 0;
  expect([2n, 3n, 8n, 9n].map(isBrokenAt)).toEqual([false, true, true, false]);
});
