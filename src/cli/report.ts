/** Collects what is known of sets, and writes it as one page. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { machine } from "../bench/machine.ts";
import { offlineFolder } from "../definition/feature-set.ts";
import { driftOf } from "../drift/drift.ts";
import { EXIT } from "../errors.ts";
import type { Watched } from "../monitor/families.ts";
import { bytes } from "../page/numbers.ts";
import { sha256, writeFileAtomic } from "../platform/files.ts";
import { checksOf } from "../report/checks.ts";
import type { Findings, Quarantine, ReportDocument, Verification } from "../report/document.ts";
import { lineageOf } from "../report/lineage.ts";
import { pageOf } from "../report/page/page.ts";
import { rulesOf } from "../report/rules.ts";
import { runsOf } from "../report/runs.ts";
import { PACKAGE_ROOT } from "../stack/home.ts";
import type { Stack } from "../stack/stack.ts";
import { storesWritten } from "../submit/run-states.ts";
import type { FeatureSetReport } from "../verify/verify.ts";
import type { Context, Target } from "./context.ts";
import { type Definition, loadDefinitions } from "./definitions.ts";
import { type Held, heldRows } from "./held-rows.ts";
import { json, option, profile, target } from "./options.ts";
import { verdictLines } from "./report/verdict.ts";
import { setsThatRan } from "./sets-that-ran.ts";
import { type Against, against, verifyDefinitions } from "./verifying.ts";
import { Watch } from "./watch.ts";

interface ReportOptions extends Target {
  against: Against;
  /** False with `--no-verify`. */
  verify: boolean;
  out?: string;
  json?: boolean;
}

/** In the project's state folder. */
const FILE = "report.html";
const HELD_SHOWN = 10;
const DIFFERENCES_SHOWN = 20;

export function report(program: Command, context: Context): void {
  program
    .command("report [sets...]")
    .description(
      "write all that is known of sets as one HTML page, with a list of what passes and fails (default: all sets that were run)",
    )
    .addOption(option("--out <file>", `where the page goes (default: ${FILE} in the state folder)`))
    .addOption(against())
    .addOption(option("--no-verify", "leave verification out"))
    .addOption(target())
    .addOption(profile())
    .addOption(json())
    .action(async (sets: string[], options: ReportOptions) => {
      const stack = context.stack(options);
      const definitions = await loadDefinitions(
        sets.length > 0 ? sets : await setsThatRan(stack),
        context.cwd,
      );
      const document = await collect(definitions, options, stack, context);
      const file =
        options.out === undefined ? path.join(stack.stateDir, FILE) : path.resolve(context.cwd, options.out);
      await writeFileAtomic(file, pageOf(document));
      if (!document.ok) context.exitWith(EXIT.differ);
      if (options.json) context.terminal.print(JSON.stringify(document));
      context.progress.note(`${verdictLines(document, context.terminal.paint)}\n${file}`);
    });
}

async function collect(
  definitions: Definition[],
  { against, verify }: ReportOptions,
  stack: Stack,
  context: Context,
): Promise<ReportDocument> {
  const written = new Set<Definition>();
  for (const definition of definitions) {
    if ((await storesWritten(stack.stateDir, definition.featureSet.name)) !== undefined)
      written.add(definition);
  }
  const verified = verify ? await verifyDefinitions([...written], { against }, stack, context) : [];
  const watched = await Watch.ofAll(stack, context.cwd).look();
  const featureSets = [];
  for (const definition of definitions) {
    const { name } = definition.featureSet;
    const findings = await context.progress.step(`collecting what is known of ${name}`, () =>
      findingsOf(definition, stack, context, {
        hasWritten: written.has(definition),
        watched: watched.find(({ measures }) => measures.featureSet === name),
        verified: verified.find((one) => one.name === name),
      }),
    );
    featureSets.push({ ...findings, checks: checksOf(findings) });
  }
  return {
    version: 1,
    ok: featureSets.every(({ checks }) => checks.every(({ result }) => result !== "fail")),
    made: new Date().toISOString(),
    against: verify ? against : null,
    target: stack.target,
    about: madeWith(),
    featureSets,
  };
}

interface Known {
  hasWritten: boolean;
  watched: Watched | undefined;
  verified: FeatureSetReport | undefined;
}

async function findingsOf(
  { featureSet, file, text }: Definition,
  stack: Stack,
  { cwd }: Context,
  { hasWritten, watched, verified }: Known,
): Promise<Findings> {
  const { offline } = await stack.endpoints();
  await (await stack.storage()).fetch(offlineFolder(featureSet));
  const store = { offlineRoot: offline, scratch: path.join(stack.stateDir, "tmp") };
  const relative = path.relative(cwd, file);
  const runs = watched === undefined ? null : runsOf(watched);
  return {
    name: featureSet.name,
    description: featureSet.description,
    definition: { file: relative.startsWith("..") ? file : relative, sha256: sha256(text) },
    hasWritten,
    runs,
    rules: rulesOf(featureSet.validation, runs),
    quarantine: quarantineOf(await heldRows(featureSet, store)),
    drift: await driftOf(featureSet, { ...store, now: new Date() }),
    lineage: lineageOf(featureSet, stack.topicPrefix),
    verification: verified === undefined ? null : verificationOf(verified),
  };
}

function quarantineOf(held: Held[]): Quarantine {
  return {
    rows: held.length,
    newest: held.slice(0, HELD_SHOWN).map(({ entity, windowStart, createdAt, rules, reasons }) => ({
      ...{ entity, windowStart, createdAt },
      reasons: rules.map((rule, i) => ({ rule, reason: reasons[i] ?? "" })),
    })),
  };
}

function verificationOf(verified: FeatureSetReport): Verification {
  const { expected, online, offline, checkedValues, differences } = verified;
  return {
    ...{ expected, online, offline, checkedValues },
    differences: differences.length,
    first: differences.slice(0, DIFFERENCES_SHOWN),
  };
}

function madeWith(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(path.join(PACKAGE_ROOT, "package.json"), "utf8"));
  const { cpu, cores, memoryBytes, os, kernel } = machine();
  return {
    "cdc-features": version,
    Node: process.versions.node,
    processor: `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}`,
    memory: bytes(memoryBytes),
    system: `${os}, ${kernel}`,
  };
}
