/** What is to be measured, from the texts of a command line. Pure. */
import { nearest } from "../definition/nearest.ts";
import { UsageError } from "../errors.ts";
import { PARTS, type Part } from "./document.ts";

export interface BenchPlan {
  parts: Part[];
  ways: string[];
  events: number;
  entities: number;
  rates: "auto" | number[];
  secondsPerRate: number;
  warmUpSeconds: number;
  /** Of the exact job while it goes on. */
  trigger: string;
  seed: number;
  hotRows: number;
  hotRate: number;
  growthEvents: number[];
  growthEntities: number[];
}

/** As the options of the command are called. */
export interface PlanTexts {
  ways: string;
  events: string;
  entities: string;
  rates: string;
  seconds: string;
  warmUp: string;
  trigger: string;
  seed: string;
  hotRows: string;
  hotRate: string;
  growthEvents: string;
  growthEntities: string;
}

/** Parts in the order in which they run. Throws UsageError that names the option. */
export function planOf(parts: string[], texts: PlanTexts, knownWays: string[]): BenchPlan {
  const wanted = new Set(parts.map((part) => oneOf("part", part, PARTS)));
  return {
    parts: wanted.size === 0 ? [...PARTS] : PARTS.filter((part) => wanted.has(part)),
    ways: unique(texts.ways.split(",").map((way) => oneOf("way", way.trim(), knownWays))),
    events: count("--events", texts.events),
    entities: count("--entities", texts.entities),
    rates: texts.rates.trim() === "auto" ? "auto" : counts("--rates", texts.rates),
    secondsPerRate: count("--seconds", texts.seconds),
    warmUpSeconds: count("--warm-up", texts.warmUp, 0),
    trigger: texts.trigger,
    seed: count("--seed", texts.seed, 0),
    hotRows: count("--hot-rows", texts.hotRows),
    hotRate: count("--hot-rate", texts.hotRate),
    growthEvents: counts("--growth-events", texts.growthEvents),
    growthEntities: counts("--growth-entities", texts.growthEntities),
  };
}

/** Each number of events with the plan's entities, then each number of entities with the plan's events; none twice. */
export function growthRuns(
  plan: Pick<BenchPlan, "events" | "entities" | "growthEvents" | "growthEntities">,
): {
  events: number;
  entities: number;
}[] {
  const { events, entities } = plan;
  const all = [
    ...plan.growthEvents.map((some) => ({ events: some, entities })),
    ...plan.growthEntities.map((some) => ({ events, entities: some })),
  ];
  return all.filter(
    (one, i) =>
      all.findIndex((other) => other.events === one.events && other.entities === one.entities) === i,
  );
}

function oneOf<T extends string>(what: string, text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  if (found !== undefined) return found;
  const suggestion = nearest(text, [...known]);
  throw new UsageError(`bench has no ${what} named ${text}`, {
    hint: `${suggestion === undefined ? "" : `Did you mean ${suggestion}? `}There are: ${known.join(", ")}`,
  });
}

function counts(name: string, text: string): number[] {
  return unique(text.split(",").map((one) => count(name, one))).sort((a, b) => a - b);
}

function count(name: string, text: string, least = 1): number {
  const value = Number(text.trim().replaceAll("_", ""));
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < least)
    throw new UsageError(`${name} takes whole numbers of at least ${least}, not ${text.trim() || "nothing"}`);
  return value;
}

function unique<T>(values: T[]): T[] {
  return [...new Set(values)];
}
