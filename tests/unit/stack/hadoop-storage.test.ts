/** Places behind Hadoop's file systems, by a real spark-submit; `file:` stands for them, since Hadoop has it as one of its own. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../../../src/platform/storage.ts";
import { storageOf } from "../../../src/stack/external/hadoop-storage.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const VENV = process.env.CDC_FEATURES_TEST_VENV;

// Each operation is a JVM of its own.
describe.skipIf(VENV === undefined)("storage by URIs", { timeout: 180_000 }, () => {
  let folder: string;
  let storage: Storage;
  const at = (...names: string[]) => path.join(folder, ...names);
  const uri = (...names: string[]) => `file://${at(...names)}`;

  beforeEach(() => {
    folder = temporaryFolder();
    const lib = path.join(VENV as string, "lib");
    const sparkHome = path.join(lib, readdirSync(lib)[0] as string, "site-packages", "pyspark");
    writeFileSync(at("spark.properties"), "spark.hadoop.fs.x.secret.key=canary-of-storage\n");
    storage = storageOf({
      places: { offline: uri("offline"), checkpoints: uri("checkpoints"), deadLetters: uri("dead") },
      mirror: at("mirror"),
      tmp: at("tmp"),
      spark: async () => ({
        command: [path.join(sparkHome, "bin", "spark-submit")],
        master: "yarn",
        driver: { kind: "uploaded" },
        batchRecords: 5,
        env: { ...process.env, SPARK_HOME: sparkHome },
        conf: {},
        // What is for the cluster alone is left out: no YARN is at hand here.
        options: ["--deploy-mode", "cluster", "--properties-file", at("spark.properties"), "--queue", "ml"],
        secrets: ["canary-of-storage"],
      }),
    });
  });

  it("fetches what is new, and forgets what is gone, without what is being written", async () => {
    const write = (name: string, content: string) => {
      mkdirSync(path.dirname(at("offline", "customer_features", name)), { recursive: true });
      writeFileSync(at("offline", "customer_features", name), content);
    };
    for (const name of ["1.parquet", "_batches/1.json", "_rows/1.parquet"]) write(name, name);
    for (const name of ["_staging/a/part.parquet", "_1.parquet.tmp"]) write(name, "unfinished");
    const mirrored = () =>
      readdirSync(at("mirror", "customer_features"), { recursive: true, encoding: "utf8" })
        .filter((name) => /\./.test(name))
        .sort();
    await storage.fetch("customer_features");
    expect(mirrored()).toEqual(["1.parquet", "_batches/1.json", "_rows/1.parquet"]);

    write("1.parquet", "replaced by a batch that was run again");
    write("2.parquet", "new");
    rmSync(at("offline", "customer_features", "_rows"), { recursive: true });
    // Of another command at work, and of one that was killed days ago.
    for (const name of [".2.parquet.1.tmp", ".2.parquet.2.tmp"]) {
      writeFileSync(at("mirror", "customer_features", name), "half");
    }
    utimesSync(at("mirror", "customer_features", ".2.parquet.2.tmp"), 0, 0);
    await storage.fetch("customer_features");
    expect(mirrored()).toEqual([".2.parquet.1.tmp", "1.parquet", "2.parquet", "_batches/1.json"]);
    expect(readFileSync(at("mirror", "customer_features", "1.parquet"), "utf8")).toMatch(/^replaced/);
  });

  it("writes and reads a note, and removes what lies below a place", async () => {
    expect(await storage.notes?.read(uri("checkpoints", "customer", "stop"))).toBeUndefined();
    await storage.notes?.write(uri("checkpoints", "customer", "stop"), "now");
    expect(await storage.notes?.read(uri("checkpoints", "customer", "stop"))).toBe("now");
    await storage.remove(uri("checkpoints"));
    expect(existsSync(at("checkpoints"))).toBe(false);
    await storage.remove(uri("checkpoints"));
  });

  it("says why a place cannot be reached, and no secret", async () => {
    await expect(storage.remove("nowhere://canary-of-storage/x")).rejects.toThrow(
      /^remove nowhere:\/\/\*\*\*\/x failed:\n[\s\S]*No FileSystem for scheme "nowhere"/,
    );
  });
});
