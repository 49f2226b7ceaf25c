/** Where a job's driver runs: how its files reach it, and how it is told to stop and heard. */
export type Driver =
  /** A child of this command. */
  | { kind: "local" }
  /**
   * A container. The command takes the files as a tar archive from standard input, its first argument being the number of
   * bytes, and unpacks them to `inbox`; the job is to stop when that input ends.
   */
  | { kind: "container"; inbox: string }
  /** Anywhere in a cluster, with what spark-submit uploads, `files` too; it is told and heard by way of the storage. */
  | { kind: "uploaded"; files?: string[] }
  /**
   * The same, with its files in a folder that this machine and the cluster share, since Spark uploads nothing for such a
   * driver: `jars` of this machine go to `jars` there, and an archive with a Python environment is unpacked to `environment`.
   */
  | { kind: "shared"; folder: string; jars: string[]; archive?: string };
