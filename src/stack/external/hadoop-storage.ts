/** Places behind Hadoop's file systems, reached by the same Spark, with the same settings, as the jobs'. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { JobError } from "../../errors.ts";
import { lastLines, readIfExists, writeFileAtomic } from "../../platform/files.ts";
import { runCommand } from "../../platform/processes.ts";
import { withoutSecrets } from "../../platform/secrets.ts";
import { below, localStorage, type Places, type Storage } from "../../platform/storage.ts";
import { LIBRARY } from "../home.ts";
import type { SparkRuntime } from "../stack.ts";

export interface HadoopStorageOptions {
  places: Places;
  /** Folder on this machine that takes what is fetched of the offline store. */
  mirror: string;
  tmp: string;
  /** How spark-submit is called, with the properties file written. */
  spark(): Promise<SparkRuntime>;
}

/** What `cdcfeatures.Storage` does, a line each: verb and arguments, separated by tabs. */
type Operation =
  | ["fetch", string, string]
  | ["read", string, string]
  | ["write", string, string]
  | ["remove", string];

export function storageOf(options: HadoopStorageOptions): Storage {
  const { places, mirror, tmp } = options;
  const local = localStorage(places);
  const perform = (...operations: Operation[]) => call(options, operations);
  const withFile = async <T>(work: (file: string) => Promise<T>): Promise<T> => {
    await mkdir(tmp, { recursive: true });
    const folder = await mkdtemp(path.join(tmp, "storage-"));
    try {
      return await work(path.join(folder, "content"));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return {
    places,
    fetch: async (folder) => {
      if (!isLocal(places.offline))
        await perform(["fetch", below(places.offline, folder), path.join(mirror, folder)]);
    },
    notes: {
      read: (place) =>
        isLocal(place)
          ? readIfExists(place)
          : withFile(async (file) => {
              await perform(["read", place, file]);
              return readIfExists(file);
            }),
      write: (place, text) =>
        isLocal(place)
          ? writeFileAtomic(place, text)
          : withFile(async (file) => {
              await writeFile(file, text, { mode: 0o600 });
              await perform(["write", file, place]);
            }),
    },
    remove: async (...gone) => {
      await local.remove(...gone.filter(isLocal));
      const remote = gone.filter((place) => !isLocal(place));
      if (remote.length > 0) await perform(...remote.map((place): Operation => ["remove", place]));
    },
  };
}

/** A path, which is the same on this machine. */
export function isLocal(place: string): boolean {
  return place.startsWith("/");
}

async function call({ tmp, spark }: HadoopStorageOptions, operations: Operation[]): Promise<void> {
  const { command, env, options = [], secrets = [] } = await spark();
  await mkdir(tmp, { recursive: true });
  const folder = await mkdtemp(path.join(tmp, "storage-"));
  try {
    const request = path.join(folder, "request.tsv");
    await writeFile(request, operations.map((operation) => `${operation.join("\t")}\n`).join(""));
    const [program = "", ...before] = command;
    const result = await runCommand(
      program,
      [
        ...before,
        ...options,
        // The last one counts: this is no job and runs here, whatever the jobs' deploy mode.
        ...["--master", "local[1]", "--deploy-mode", "client", "--class", "cdcfeatures.Storage"],
        ...[LIBRARY, request],
      ],
      { env },
    );
    if (result.ok) return;
    await writeFile(path.join(folder, "log"), result.stderr);
    const said = (await lastLines(path.join(folder, "log"), 200)).filter((line) =>
      /Exception|Error|denied/i.test(line),
    );
    const reason = said.slice(0, 4).join("\n") || result.stderr.slice(-500);
    const told = `${operations[0]?.slice(0, 2).join(" ")} failed:\n${reason}`;
    throw new JobError(withoutSecrets(told, secrets), {
      hint: "The same settings reach it as a job's: spark.conf, spark.packages and spark.env of the profile.",
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
