/** Runs a little Python: JSON in, JSON out. */
import { execFileSync } from "node:child_process";

export function python(script: string, input: unknown): unknown {
  const source = `import json, sys\nvalue = json.load(sys.stdin)\n${script}\njson.dump(result, sys.stdout)`;
  return JSON.parse(
    execFileSync("python3", ["-c", source], { input: JSON.stringify(input), encoding: "utf8" }),
  );
}
