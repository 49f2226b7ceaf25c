/** Golden cases through the real job: one spark-submit for all of them, with files in Kafka's place. */
import { mkdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import type { JobGoldenCase } from "./job-events.ts";
import { type Submitted, submit } from "./run.ts";

export interface SubmittedCase {
  /** Path of the rendered job. */
  script: string;
  /** Times in ms since 1970. */
  asOfMs: number;
  batches: {
    asOfMs: number;
    records: { offset: number; timestampMs: number; key: string | null; value: string | null }[];
  }[];
}

export interface GoldenRequest extends Pick<Submitted, "pythonPath" | "spark" | "signal"> {
  /** Takes everything that the job reads and writes. */
  folder: string;
  cases: SubmittedCase[];
  onCase(told: JobGoldenCase): void;
}

/** So many that one's planning goes on beside another's Spark jobs. */
const PARALLEL = 3;

/** Tells what came of each case, by its number; throws JobError when the job could not go on, InterruptedError when stopped. */
export async function runCases({ folder, cases, onCase, spark, ...request }: GoldenRequest): Promise<void> {
  const at = (name: string) => path.join(folder, name);
  const folders = await Promise.all(cases.map((one, i) => writeLog(at(`case-${i}`), one)));
  const settings = {
    cases: cases.map(({ script, asOfMs, batches }, i) => ({
      job: script,
      folder: folders[i],
      as_of_ms: asOfMs,
      batches: batches.map(({ records, asOfMs }) => ({
        end: (records.at(-1)?.offset ?? -1) + 1,
        as_of_ms: asOfMs,
      })),
    })),
    parallel: PARALLEL,
    stop_file: at("stop"),
  };
  await writeFile(at("settings.json"), JSON.stringify(settings));
  const submitted: Submitted = {
    ...request,
    featureSet: "golden tests",
    folder: {
      folder,
      // Any of the jobs will do: each case names its own.
      script: cases[0]?.script ?? "",
      settings: at("settings.json"),
      log: at("job.log"),
      stop: at("stop"),
      job: at("job.json"),
    },
    // A case has a handful of rows, and nobody looks at its Spark.
    spark: {
      ...spark,
      conf: {
        ...spark.conf,
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
        "spark.log.level": "WARN",
        // To compile a plan takes longer than to interpret it for so few rows: a fifth less CPU time in all.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
      },
    },
    onEvent: (event) => {
      if (event.event === "case") onCase(event);
    },
  };
  await submit(submitted, "tested");
}

async function writeLog(folder: string, { batches }: SubmittedCase): Promise<string> {
  await mkdir(path.join(folder, "log"), { recursive: true });
  for (const [i, { records }] of batches.entries()) {
    const file = path.join(folder, "log", `${String(i).padStart(5, "0")}.json`);
    const lines = records.map(({ offset, timestampMs, key, value }) =>
      JSON.stringify({ key, value, offset, timestamp_ms: timestampMs }),
    );
    await writeFile(file, lines.map((line) => `${line}\n`).join(""));
    // The job takes the files in order of their modification.
    await utimes(file, FIRST_SECOND + i, FIRST_SECOND + i);
  }
  return folder;
}

const FIRST_SECOND = 1_000_000_000;
