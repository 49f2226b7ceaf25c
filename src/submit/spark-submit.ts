/** The arguments of spark-submit. Pure, so that they can be shown without calling it. */

export interface Submission {
  master: string;
  name: string;
  conf: Record<string, string>;
  /** More options, each of them followed by its value. */
  options?: string[];
  /** What is run, and its arguments. */
  primary: string[];
}

export function sparkSubmitArguments({ master, name, conf, options = [], primary }: Submission): string[] {
  return [
    ...["--master", master, "--name", name],
    ...options,
    ...Object.entries(conf)
      .sort(([a], [b]) => a.localeCompare(b))
      .flatMap(([key, value]) => ["--conf", `${key}=${value}`]),
    ...primary,
  ];
}
