import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, expect, it } from "vitest";
import { isAtRest } from "../../../src/submit/at-rest.ts";
import { positionReached } from "../../../src/submit/reached.ts";

const TOPIC = "shop.public.orders";
const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-at-rest-"));

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A checkpoint with these batches planned, each up to its offsets, and those committed. */
function checkpoint(planned: Record<number, unknown>, committed: number[], at = ""): string {
  const root = path.join(folder, at);
  for (const name of ["offsets", "commits"]) mkdirSync(path.join(root, name), { recursive: true });
  for (const [batch, ends] of Object.entries(planned)) {
    const lines = ["v1", '{"batchWatermarkMs":0}', typeof ends === "string" ? ends : JSON.stringify(ends)];
    writeFileSync(path.join(root, "offsets", batch), lines.join("\n"));
  }
  for (const batch of committed) writeFileSync(path.join(root, "commits", String(batch)), "v1\n{}");
  writeFileSync(path.join(root, "commits", ".9.crc"), "");
  return root;
}

const ends = (...offsets: number[]) => new Map(offsets.entries());
const at = (zero: number, one: number) => ({ [TOPIC]: { 0: zero, 1: one } });

it("a checkpoint is at rest where its last committed batch ends with the topic", async () => {
  const made = checkpoint({ 8: at(3, 4), 10: at(5, 7) }, [8, 10]);
  expect(await isAtRest(made, TOPIC, ends(5, 7))).toBe(true);
  expect(await isAtRest(made, TOPIC, ends(5, 8))).toBe(false);
  expect(await isAtRest(made, TOPIC, ends(5, 7, 0))).toBe(false);
  expect(await isAtRest(made, "shop.public.products", ends(5, 7))).toBe(false);
});

it("a batch that was not committed has still to be written", async () => {
  expect(await isAtRest(checkpoint({ 8: at(3, 4), 9: at(5, 7) }, [8]), TOPIC, ends(5, 7))).toBe(false);
});

it("what cannot be read is left to the job", async () => {
  expect(await isAtRest(path.join(folder, "none"), TOPIC, ends())).toBe(false);
  for (const text of ["", "{", "5", '{"a":1}'])
    expect(await isAtRest(checkpoint({ 0: text }, [0]), TOPIC, ends())).toBe(false);
});

it("what a run has come to is told by the checkpoint that was written last", async () => {
  const of = (name: string) =>
    checkpoint({ 8: at(3, 4), 9: at(5, 7) }, [8, 9], path.join("checkpoints", "customer", name));
  const position = async () => (await positionReached(folder, "customer", TOPIC))?.position;
  expect(await position()).toBeUndefined();
  const early = of("dual");
  utimesSync(path.join(early, "commits"), 1, 1);
  expect(await position()).toBe(12);
  checkpoint({ 1: at(2, 0) }, [1], path.join("checkpoints", "customer", "realtime"));
  expect(await position()).toBe(2);
});
