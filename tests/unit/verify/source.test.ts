import { expect, test } from "vitest";
import type { FeatureSet } from "../../../src/definition/feature-set.ts";
import { aggregationOf, expectFromSource } from "../../../src/verify/source.ts";
import { customer } from "./sets.ts";

test("identifiers are quoted", () => {
  const set: FeatureSet = {
    ...customer,
    source: { ...customer.source, table: 'Or"ders', schema: "public; drop" },
  };
  expect(aggregationOf(set)).toContain('from "public; drop"."Or""ders"');
});

test("values that the job sets aside do not count", () => {
  const sql = aggregationOf(customer);
  expect(sql).toContain('("created_at" is null or isfinite("created_at"))');
  expect(sql).toContain(
    'abs("total_amount"::numeric) < 1e10 and "total_amount"::numeric = trunc("total_amount"::numeric, 2)',
  );
});

test("NaN counts as the null that Debezium sends for it, unless it writes decimals as text", () => {
  expect(aggregationOf(customer)).toContain(`sum(nullif("total_amount"::numeric, 'NaN'))`);
  const columns = customer.source.columns.map((column) =>
    column.type.kind === "decimal"
      ? { ...column, type: { ...column.type, encoding: "text" as const } }
      : column,
  );
  expect(aggregationOf({ ...customer, source: { ...customer.source, columns } })).not.toContain("NaN");
});

test("no Postgres is an error that says how to get one", async () => {
  const nowhere = { postgresUrl: "postgres://postgres@127.0.0.1:1/shop", watermarkMs: 0 };
  await expect(expectFromSource(customer, nowhere)).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining("127.0.0.1:1/shop"),
  });
});
