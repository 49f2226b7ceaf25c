/** The ways of working off the topic. One that is added here can be named with `--ways`, in bulk, live, or both. */
import path from "node:path";
import { z } from "zod";
import { microsOfIso } from "../platform/instants.ts";
import { callCommand, followCommand } from "./command.ts";
import type { JobMeasure } from "./document.ts";
import { type JobOptions, measureRun, measureScript, type ScriptOptions } from "./jobs.ts";
import type { Workbench } from "./workbench.ts";

export interface Way {
  name: string;
  title: string;
  /** Works off what is in the topic, once in a benchmark, and ends. */
  bulk(bench: Workbench): Promise<JobMeasure>;
  live?: LiveWay;
}

/** A way that goes on behind its bulk run, and where its values can be read. */
export interface LiveWay {
  /** How long it gathers changes, in words. */
  trigger(bench: Workbench): string;
  /** Resolves when the signal has ended it. */
  run(bench: Workbench, options: Required<Pick<JobOptions, "signal">> & JobOptions): Promise<unknown>;
  /** Redis' key of a customer. */
  key(customer: number): string;
  /** The hash's field with the time of the customer's latest order, and what it means (micros since 1970). */
  latestField: string;
  latest(text: string): bigint | undefined;
}

function measurePlain(bench: Workbench, name: string, options: ScriptOptions) {
  const settings = {
    kafka: bench.endpoints.kafka.brokers,
    topic: bench.topic,
    redis: bench.endpoints.redis.url,
    folder: bench.scratch(name),
    live: options.continuous === true,
  };
  return measureScript(bench, name, "plain_pattern.py", settings, options);
}

/** As whoever follows a tutorial has it: Spark's own settings, with 200 state partitions among them. */
const plain: Way = {
  name: "plain",
  title: "plain pattern",
  bulk: (bench) => measurePlain(bench, "plain", { bare: true }),
  live: {
    trigger: () => "0 seconds",
    run: (bench, options) => measurePlain(bench, "plain", { ...options, continuous: true, bare: true }),
    key: (customer) => `plain:${customer}:features`,
    latestField: "last_order",
    latest: (text) => microsOfIso(`${text}Z`),
  },
};

/** What of the difference comes from the settings alone; its 200 partitions are part of the pattern. */
const plainTuned: Way = {
  name: "plain-tuned",
  title: "plain pattern, with the settings of a run",
  bulk: (bench) => measurePlain(bench, "plain-tuned", { conf: { "spark.sql.shuffle.partitions": "200" } }),
};

const append: Way = {
  name: "append",
  title: "append job",
  bulk: (bench) => measureRun(bench, "customer_append", bench.home),
};

const exact: Way = {
  name: "exact",
  title: "exact job",
  bulk: (bench) => measureRun(bench, "customer", bench.home),
  live: {
    trigger: (bench) => bench.plan.trigger,
    run: (bench, options) => measureRun(bench, "customer", bench.home, { ...options, continuous: true }),
    key: (customer) => `customer:${customer}:features`,
    latestField: "_event_time",
    latest: microsOfIso,
  },
};

const REALTIME = ["run", "customer", "--mode", "realtime"];

/** By the command itself, whose own process has a share in it: the online writer. */
const realtime: Way = {
  name: "realtime",
  title: "exact job in real-time mode",
  bulk: async (bench) => {
    const { seconds, stdout } = await callCommand(bench, [...REALTIME, "--json"]);
    const [run] = realtimeRun.parse(JSON.parse(stdout)).runs;
    return {
      ...{ records: run?.read ?? 0, batches: run?.batches ?? 0, state: null, usage: null, jvmOptions: "" },
      ...{ querySeconds: run?.seconds ?? 0, jobSeconds: run?.seconds ?? 0, processSeconds: seconds },
    };
  },
  live: {
    trigger: () => "real-time",
    run: (bench, { signal }) => followCommand(bench, [...REALTIME, "--continuous"], signal),
    key: (customer) => `customer:${customer}:features`,
    latestField: "_event_time",
    latest: microsOfIso,
  },
};

const realtimeRun = z.object({
  runs: z.array(z.object({ read: z.number(), batches: z.number(), seconds: z.number() })).length(1),
});

function reading(name: string, title: string): Way {
  return {
    name,
    title,
    bulk: (bench) =>
      measureScript(bench, name, "read_and_parse.py", {
        way: name,
        kafka: bench.endpoints.kafka.brokers,
        topic: bench.topic,
        topic_prefix: bench.stack.topicPrefix,
        folder: path.join(bench.scratch(name)),
      }),
  };
}

export const WAYS: readonly Way[] = [
  plain,
  plainTuned,
  append,
  exact,
  realtime,
  reading("parse", "read and parse alone"),
  reading("decode", "read and decode alone"),
];

export const DEFAULT_WAYS = "plain,append,exact,parse,decode";

/** Works the orders off in this way, unless it has: what is live begins there. */
export async function workedOff(bench: Workbench, way: Way): Promise<JobMeasure> {
  await bench.orders.arrived(bench);
  return bench.once(way.name, () => bench.progress.step(way.title, () => way.bulk(bench)));
}

export function wayNamed(name: string): Way {
  return WAYS.find((way) => way.name === name) as Way;
}
