import { expect, test } from "vitest";
import type { ColumnType, FeatureSet } from "../../../src/definition/feature-set.ts";
import { readSource, TableReader } from "../../../src/verify/source.ts";
import { customer, product } from "./sets.ts";

const queryOf = (set: FeatureSet) => new TableReader(set).query;

test("identifiers are quoted", () => {
  const set: FeatureSet = {
    ...customer,
    source: { ...customer.source, table: 'Or"ders', schema: "public; drop" },
  };
  expect(queryOf(set)).toContain('from "public; drop"."Or""ders"');
});

test("values that the job sets aside do not count", () => {
  const sql = queryOf(customer);
  expect(sql).toContain('("created_at" is null or isfinite("created_at"))');
  expect(sql).toContain(
    'abs("total_amount"::numeric) < 1e10 and "total_amount"::numeric = trunc("total_amount"::numeric, 2)',
  );
});

test("NaN counts as the null that Debezium sends for it, unless it writes decimals as text", () => {
  expect(queryOf(customer)).toContain(`nullif("total_amount"::numeric, 'NaN')`);
  const asText = (type: ColumnType): ColumnType =>
    type.kind === "decimal" ? { ...type, encoding: "text" } : type;
  const columns = customer.source.columns.map(({ name, type }) => ({ name, type: asText(type) }));
  expect(queryOf({ ...customer, source: { ...customer.source, columns } })).not.toContain("NaN");
});

test("rows become elements of their entity, with their values in the verifier's own units", () => {
  const reader = new TableReader(customer);
  expect(reader.read(["1767225600123456", "7", "12", "-1999"])).toMatchObject({
    entity: "7",
    element: { eventTime: 1_767_225_600_123_456n, key: ["12"], values: [-1999n], isGone: false },
  });
  const ofPair: FeatureSet = { ...product, entity: ["product_id", "customer_id"] };
  expect(new TableReader(ofPair).read(["0", "a:b", "7", "12", null, null])).toMatchObject({
    entity: "a\\:b:7",
    element: { values: [null, null] },
  });
});

test("no Postgres is an error that says how to get one", async () => {
  const nowhere = "postgres://postgres@127.0.0.1:1/shop";
  await expect(readSource(customer, nowhere, new Date(), { element() {} })).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining("127.0.0.1:1/shop"),
  });
});
