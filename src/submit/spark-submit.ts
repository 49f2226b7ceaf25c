/** The arguments of spark-submit. Pure, so that they can be shown without calling it. */

export interface Submission {
  master: string;
  conf: Record<string, string>;
  /** More options, each of them followed by its value. */
  options?: string[] | undefined;
  /** Path of the rendered job */
  script: string;
  /** Path of the settings file, the job's only argument */
  settings: string;
  name: string;
}

export function sparkSubmitArguments({
  master,
  conf,
  options = [],
  script,
  settings,
  name,
}: Submission): string[] {
  return [
    ...["--master", master, "--name", name],
    ...options,
    ...Object.entries(conf)
      .sort(([a], [b]) => a.localeCompare(b))
      .flatMap(([key, value]) => ["--conf", `${key}=${value}`]),
    script,
    settings,
  ];
}
