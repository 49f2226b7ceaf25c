/** How much of a machine a job takes, by the machine and by what there is to do. Measured in docs/tuning.md. */
import os from "node:os";

export interface Machine {
  cores: number;
  memoryBytes: number;
}

export interface Load {
  continuous: boolean;
  /** In the topic, read before or not. */
  records: number;
}

export interface Tuning {
  /** Tasks at a time. */
  threads: number;
  /** State partitions, for as long as the checkpoint lives. */
  partitions: number;
  driverMemoryMiB: number;
  /** Most records of a micro-batch: what a batch takes of the heap does not grow with the topic. */
  batchRecords: number;
  jvm: string[];
}

/** Also on executors that nothing is known of. */
export const BATCH_RECORDS = 1_000_000;

/** Beyond them the servers beside it, and the single Redis, are what a run waits for. */
const MOST_THREADS = 8;
/** A partition costs each micro-batch the same, however few changes it has. */
const MOST_PARTITIONS = 4;
const LEAST_MIB = 1024;
const MOST_MIB = 4096;
/** Of a heap: its half, at about a kilobyte a record. */
const RECORDS_PER_MIB = 500;

/** Every change of an entity goes through one: more would be more latency on few cores, and take a thread each. */
const REALTIME_PARTITIONS = 1;
/** For the jobs beside the batch: the offline store, and what is set aside. */
const BESIDE_REALTIME = 2;
const LEAST_REALTIME_THREADS = 5;

/** Most runs on a laptop are short: compiling less saves two fifths of their CPU time. */
const QUICK = ["-XX:TieredStopAtLevel=1"];
/**
 * The optimising compiler quadruples the speed in the end, but only what is hot is worth its time, and code that waits
 * for it need not count what it does.
 */
const OPTIMISING = [
  "-XX:Tier4InvocationThreshold=100000",
  "-XX:Tier4MinInvocationThreshold=12000",
  "-XX:Tier4CompileThreshold=300000",
  "-XX:Tier4BackEdgeThreshold=800000",
  "-XX:Tier3DelayOn=0",
];
/** From here on a run gains more from it than it takes. */
const MANY_RECORDS = 2_000_000;

/** Spark's classes take a hundred megabytes: on the way there the whole heap would be collected more than once. */
const METASPACE = "-XX:MetaspaceSize=256m";
const SMALL_HEAP = ["-XX:+UseSerialGC"];
/**
 * What a batch gathers lives as long as the batch: a collection of a large young generation finds less of it. Java may
 * count a third of that as not there (a survivor space), which of 512 MB leaves less than the 450 that Spark insists on.
 */
const LARGE_HEAP = ["-XX:+UseParallelGC", "-XX:NewRatio=1", "-XX:InitialRAMPercentage=20"];
const FEW_RECORDS = 150_000;
const LARGE_HEAP_MIB = 1024;

/** This one; in a container, what the container may take. */
export function thisMachine(): Machine {
  const limit = process.constrainedMemory();
  return {
    cores: os.availableParallelism(),
    memoryBytes: limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem(),
  };
}

/**
 * Real-time mode runs a task for each partition of the topic and of the state, all at once and for as long as a batch
 * lasts. They wait more than they compute, so that more of them than cores cost little.
 */
export function realtimeTuningOf(machine: Machine, load: Load & { topicPartitions: number }): Tuning {
  return {
    ...tuningOf(machine, load),
    threads: Math.max(load.topicPartitions + REALTIME_PARTITIONS + BESIDE_REALTIME, LEAST_REALTIME_THREADS),
    partitions: REALTIME_PARTITIONS,
  };
}

export function tuningOf({ cores, memoryBytes }: Machine, load: Load): Tuning {
  const threads = clamped(cores, 1, MOST_THREADS);
  // A sixth: the servers, Python's workers and the page cache live here, too.
  const driverMemoryMiB = clamped(Math.floor(memoryBytes / 6 / 1024 ** 2), LEAST_MIB, MOST_MIB);
  return {
    threads,
    partitions: Math.min(threads, MOST_PARTITIONS),
    driverMemoryMiB,
    batchRecords: Math.min(driverMemoryMiB * RECORDS_PER_MIB, BATCH_RECORDS),
    jvm: jvmOptions(load, driverMemoryMiB),
  };
}

export function jvmOptions({ continuous, records }: Load, heapMiB: number): string[] {
  const gathersMuch = continuous || records > FEW_RECORDS;
  return [
    METASPACE,
    ...(continuous || records > MANY_RECORDS ? OPTIMISING : QUICK),
    ...(gathersMuch && heapMiB >= LARGE_HEAP_MIB ? LARGE_HEAP : SMALL_HEAP),
  ];
}

function clamped(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
