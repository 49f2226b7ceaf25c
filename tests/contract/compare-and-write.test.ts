/** Both writers of the online store run one script: a second one would decide otherwise one day. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const library = new URL("../../spark-jobs/cdc_features/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, library), "utf8");

test("the job reads the script that the command reads, or holds the same", () => {
  const script = read("compare_and_write.lua").replace(/^--.*\n/gm, "");
  expect(script).toContain("call('HSET', features, '_version'");
  const job = read("online.py");
  expect(job.includes("compare_and_write.lua") || job.includes(script)).toBe(true);
});
