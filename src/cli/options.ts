/** Options that several commands share. Each reads CDC_FEATURES_<OPTION> too. */
import { Option } from "commander";

/** An option with its environment variable: `--no-demo-data` reads CDC_FEATURES_DEMO_DATA. */
export function option(flags: string, description: string): Option {
  const made = new Option(flags, description);
  return made.env(`CDC_FEATURES_${made.attributeName().replace(/[A-Z]/g, "_$&").toUpperCase()}`);
}

export const target = () => option("--target <target>", "where the servers run").default("embedded");
export const json = () => option("--json", "one JSON document on stdout");
