/** Options of a job's JVMs, by how long it lasts (docs/decisions/0008). */

/** From here on a run gains more from the JVM's optimising compiler than that takes. */
const MANY_RECORDS = 150_000;

/** Most runs on a laptop are short: compiling less saves two fifths of their CPU time. */
const SHORT = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
/** The optimising compiler quadruples the speed in the end, but only what is hot is worth its time. */
const LASTING = [
  "-XX:+UseParallelGC",
  "-XX:Tier4InvocationThreshold=100000",
  "-XX:Tier4MinInvocationThreshold=12000",
  "-XX:Tier4CompileThreshold=300000",
  "-XX:Tier4BackEdgeThreshold=800000",
];

export function jvmOptions({ lasts }: { lasts: boolean }): string[] {
  return lasts ? LASTING : SHORT;
}

export function isLasting({ continuous, records }: { continuous: boolean; records: number }): boolean {
  return continuous || records > MANY_RECORDS;
}
