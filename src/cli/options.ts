/** Options that several commands share. Each reads CDC_FEATURES_<OPTION> too. */
import { Option } from "commander";

/** An option with its environment variable: `--no-demo-data` reads CDC_FEATURES_NO_DEMO_DATA. */
export function option(flags: string, description: string): Option {
  const made = new Option(flags, description);
  const variable = `CDC_FEATURES_${(made.long ?? "").slice(2).replaceAll("-", "_").toUpperCase()}`;
  const value = process.env[variable] ?? "";
  // Commander takes a flag's variable as set whatever it says; `0` and `false` should mean what they say.
  const isOff = !made.required && !made.optional && /^(0|false|no|off)$/i.test(value);
  // An empty one is not set, as everywhere in a shell.
  return value === "" || isOff ? made : made.env(variable);
}

export const target = () => option("--target <target>", "where the servers run").default("embedded");
export const profile = () =>
  option("--profile <file>", "profile of the target external: your own Kafka, Redis, Spark and storage");
export const json = () => option("--json", "one JSON document on stdout");
