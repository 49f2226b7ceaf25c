import { expect, test } from "vitest";
import { junitXml } from "../../../src/verify/junit.ts";
import type { FeatureSetReport } from "../../../src/verify/verify.ts";
import { product } from "./sets.ts";

const report: FeatureSetReport = {
  name: "product",
  expected: 1,
  online: 1,
  offline: 1,
  checkedValues: 8,
  differences: [
    {
      entity: `<a & "b">\u0000`,
      store: "online",
      feature: "units_sold_7d",
      expected: "1",
      actual: "2",
      because: "units_sold_7d should be 1 but is 2",
      kind: "different",
    },
    {
      entity: null,
      store: "offline",
      feature: null,
      expected: null,
      actual: null,
      because: "x is missing",
      kind: "missing",
    },
    {
      entity: "b",
      store: "online",
      feature: "_version",
      expected: "1",
      actual: null,
      because: "no _version",
      kind: "missing",
    },
  ],
};

test("one case per feature and store, what failed listed and escaped", () => {
  expect(junitXml([product], [report])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="cdc-features verify">
  <testsuite name="product" tests="9" failures="3" errors="0">
    <testcase classname="product.online" name="entities"/>
    <testcase classname="product.online" name="units_sold_7d">
      <failure message="1 difference" type="different">different: entity &lt;a &amp; &quot;b&quot;&gt;\uFFFD: units_sold_7d should be 1 but is 2</failure>
    </testcase>
    <testcase classname="product.online" name="unique_customers_7d"/>
    <testcase classname="product.online" name="sales_per_day"/>
    <testcase classname="product.online" name="_version">
      <failure message="1 difference" type="missing">missing: entity b: no _version</failure>
    </testcase>
    <testcase classname="product.offline" name="entities">
      <failure message="1 difference" type="missing">missing: x is missing</failure>
    </testcase>
    <testcase classname="product.offline" name="units_sold_7d"/>
    <testcase classname="product.offline" name="unique_customers_7d"/>
    <testcase classname="product.offline" name="sales_per_day"/>
  </testsuite>
</testsuites>
`);
});

test("a store that was not looked at has no cases", () => {
  const xml = junitXml([product], [{ ...report, differences: [] }], ["online"]);
  expect(xml).toContain('tests="4" failures="0"');
  expect(xml).not.toContain("product.offline");
});
