/** What a report says, as plain data: `report --json`, and all that the page is made from. Times are ISO 8601, UTC. */
import type { Severity } from "../definition/feature-set.ts";
import type { FeatureSetDrift } from "../drift/feature-drift.ts";
import type { WatchedJson } from "../monitor/watched-json.ts";
import type { Difference } from "../verify/difference.ts";

export interface ReportDocument {
  version: 1;
  /** No check failed. */
  ok: boolean;
  made: string;
  /** Null where verification was left out. */
  against: "log" | "source" | null;
  target: string;
  /** Of what the report was made with and on, by name. */
  about: Record<string, string>;
  featureSets: ReportedSet[];
}

export interface ReportedSet extends Findings {
  /** Whether all is as it should be, in the order of `ALL_CHECKS`. */
  checks: Check[];
}

export interface Check {
  name: string;
  /** `skipped` is neither: what it is about was not looked at, or cannot be told. */
  result: "pass" | "fail" | "skipped";
  /** Half a sentence. */
  reason: string;
}

/** All that is known of one set. */
export interface Findings {
  name: string;
  description: string;
  /** The file's path, relative to the working directory where it is below, and the SHA-256 of its text in hex. */
  definition: { file: string; sha256: string };
  /** Whether a checkpoint says that a job has written a store; older runs have left nothing else. */
  hasWritten: boolean;
  /** Null where no run has told anything. */
  runs: Runs | null;
  rules: RuleResult[];
  quarantine: Quarantine;
  drift: FeatureSetDrift;
  lineage: Lineage;
  /** Null where it was left out, and for a set that was never run. */
  verification: Verification | null;
}

/** Seconds, if nothing else is said. */
export interface Runs extends Omit<WatchedJson, "featureSet"> {
  /** How the last run that has ended did so; null where it is not known. */
  lastRun: { result: "finished" | "failed" | "stopped"; at: string; because: string | null } | null;
  /** Null where records were not counted from the first batch on. */
  read: number | null;
  batches: number;
  /** Rows of features, each batch counted. */
  rowsWritten: number;
  lastBatch: string | null;
  /** Changes of all runs by their age when they could be read. `upTo` is null for what is older than the last bound. */
  ages: { upTo: number | null; changes: number }[];
  /** By phase, of all batches. */
  allPhases: Record<string, number>;
  /** The latest batches, the oldest first. */
  recent: RecentBatch[];
}

export interface RecentBatch {
  at: string;
  /** Null in real-time mode, for changes that came between batches. */
  eventsPerSecond: number | null;
  seconds: number | null;
  /** Of the age of its changes, where it had any. */
  p50: number | null;
  p99: number | null;
}

export interface RuleResult {
  name: string;
  severity: Severity;
  description: string;
  /** What it looks at, in the words of the definition. */
  check: string;
  /** That broke it, over all runs; null where no run has told anything. */
  rows: number | null;
}

export interface Quarantine {
  /** Each time that one was kept from the stores. */
  rows: number;
  /** Ten at most, the newest first. */
  newest: HeldRow[];
}

export interface HeldRow {
  entity: string | null;
  windowStart: string | null;
  createdAt: string;
  reasons: { rule: string; reason: string }[];
}

export interface Lineage {
  table: string;
  topic: string;
  job: string;
  /** With the entity key's columns in angle brackets. */
  redisKey: string;
  parquetFolder: string;
  /** All that are read. */
  columns: string[];
  features: LineageFeature[];
}

export interface LineageFeature {
  name: string;
  type: string;
  meaning: string;
  description: string;
  /** What it reads itself. */
  columns: string[];
  /** The features that it derives from. */
  features: string[];
}

/** `expected`, `online` and `offline` count entities. */
export interface Verification {
  expected: number;
  online: number;
  offline: number;
  checkedValues: number;
  differences: number;
  /** Twenty at most. */
  first: Difference[];
}
