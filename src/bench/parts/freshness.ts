/** How long a change takes from its commit to where it can be read, at several rates. */
import { JobError, TimeoutError } from "../../errors.ts";
import { withPostgres } from "../../platform/postgres.ts";
import type { Step } from "../../platform/progress.ts";
import { type RedisClient, withRedis } from "../../platform/redis.ts";
import { sleep } from "../../platform/waits.ts";
import type { RateResult, WayFreshness } from "../document.ts";
import { type CommittedChange, LiveOrders } from "../live-orders.ts";
import { isWatched, ReadableWatch, WATCHED_PER_SECOND } from "../readable.ts";
import { isGrowing, percentilesOf, rounded } from "../statistics.ts";
import { type LiveWay, type Way, workedOff } from "../ways.ts";
import type { Workbench } from "../workbench.ts";

/** With `auto`, up to the first that does not hold. */
export const LADDER = [1, 10, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000];

/** A rate holds when 99 of 100 changes are readable within this time. */
export const LONGEST_MS = 5_000;
/** Of each rate, before it is measured. */
const RATE_WARM_UP_SECONDS = 3;
/** Of a job after its start, at this rate. */
const WARM_UP_RATE = 50;
const READY_TIMEOUT_MS = 20 * 60_000;
const DRAIN_TIMEOUT_MS = 120_000;
const MOST_COMPARED = 1_000;
/** Of the last batch some may still be on its way. */
const COMPARISONS = 10;
const COMPARE_AGAIN_MS = 500;

export async function measureFreshness(bench: Workbench): Promise<WayFreshness[]> {
  const results: WayFreshness[] = [];
  for (const way of liveWays(bench)) {
    const { entities, rates } = bench.plan;
    const customerOf = (number: number) => 1 + (number % entities);
    results.push(await freshnessOf(bench, way, rates, { customerOf, from: 1, to: entities }));
  }
  return results;
}

function liveWays(bench: Workbench): (Way & { live: LiveWay })[] {
  return bench.ways.filter((way): way is Way & { live: LiveWay } => way.live !== undefined);
}

export interface Customers {
  /** By the number of a change. */
  customerOf(number: number): number;
  /** Their lowest and their highest number. */
  from: number;
  to: number;
}

/** Starts the way's job behind what it has worked off, and ends it. */
export async function freshnessOf(
  bench: Workbench,
  way: Way & { live: LiveWay },
  rates: "auto" | number[],
  customers: Customers,
): Promise<WayFreshness> {
  await workedOff(bench, way);
  const { live, name, title } = way;
  const stop = new AbortController();
  let failure: unknown;
  const job = live.run(bench, { signal: AbortSignal.any([bench.signal, stop.signal]) }).then(
    () => {
      failure ??= new JobError(`the ${title} ended before it was told to`);
      stop.abort();
    },
    (error) => {
      failure ??= error;
      stop.abort();
    },
  );
  const signal = AbortSignal.any([bench.signal, stop.signal]);
  try {
    return await withRedis(bench.endpoints.redis, (redis) =>
      withPostgres(bench.endpoints.postgres, async (postgres) => {
        const watch = new ReadableWatch(redis, live);
        const asking = watch.run().catch((error) => {
          failure ??= error;
          stop.abort();
        });
        try {
          const orders = new LiveOrders(postgres, bench.orders, customers.customerOf);
          await orders.knowOrdersOf(customers.from, customers.to);
          const measure = new Measurement(orders, watch, signal);
          await bench.progress.step(`${title}: warming up`, (step) =>
            measure.warmUp(bench.plan.warmUpSeconds, step),
          );
          const results = await allRates(bench, title, rates, measure);
          const verdict = await bench.progress.step(`${title}: comparing with the database`, async (step) => {
            await measure.catchUp(step);
            return compare(bench, live, redis, customers);
          });
          return {
            ...{ way: name, title, trigger: live.trigger(bench), rates: results, ...verdict },
            warmUpSeconds: bench.plan.warmUpSeconds,
            rateWarmUpSeconds: RATE_WARM_UP_SECONDS,
          };
        } finally {
          watch.end();
          await asking;
        }
      }),
    );
  } catch (error) {
    bench.refuseInterrupted();
    // Where the job failed, that is why nothing became readable.
    throw failure ?? error;
  } finally {
    failure ??= "told to end";
    stop.abort();
    await job;
  }
}

async function allRates(
  bench: Workbench,
  title: string,
  rates: "auto" | number[],
  measure: Measurement,
): Promise<RateResult[]> {
  const results: RateResult[] = [];
  for (const rate of rates === "auto" ? LADDER : rates) {
    const result = await bench.progress.step(`${title}: ${rate} changes per second`, (step) =>
      measure.at(rate, bench.plan.secondsPerRate, step),
    );
    results.push(result);
    // What is left behind would be counted to the next one.
    if (result.unreadable > 0 || (rates === "auto" && !result.holds)) break;
  }
  return results;
}

class Measurement {
  readonly #orders: LiveOrders;
  readonly #watch: ReadableWatch;
  readonly #signal: AbortSignal;

  constructor(orders: LiveOrders, watch: ReadableWatch, signal: AbortSignal) {
    this.#orders = orders;
    this.#watch = watch;
    this.#signal = signal;
  }

  /** Waits until everything that was committed before can be read, but for what its batch has not written yet. */
  async catchUp(step: Step): Promise<void> {
    step.update("waiting until the job has caught up");
    const [change] = await this.#orders.write(1);
    if (change !== undefined) this.#watch.watch({ ...change, onReadable: () => {} });
    if (!(await this.#drained(READY_TIMEOUT_MS))) throw new TimeoutError("the job did not catch up");
  }

  async warmUp(seconds: number, step: Step): Promise<void> {
    await this.catchUp(step);
    const warm = (changes: CommittedChange[]) => {
      for (const one of changes) this.#watch.watch({ ...one, onReadable: () => {} });
    };
    step.update(`${WARM_UP_RATE} changes per second for ${seconds} s`);
    if (seconds > 0) await this.#orders.keep(WARM_UP_RATE, seconds, this.#signal, warm);
    if (!(await this.#drained(READY_TIMEOUT_MS)))
      throw new TimeoutError(`the job did not keep up with ${WARM_UP_RATE} changes per second`);
  }

  async at(rate: number, seconds: number, step: Step): Promise<RateResult> {
    const every = Math.max(1, Math.ceil(rate / WATCHED_PER_SECOND));
    const latencies: { committedAt: number; ms: number }[] = [];
    const watched = (counts: boolean) => (changes: CommittedChange[]) => {
      for (const change of changes.filter(({ number }) => isWatched(number, every))) {
        const onReadable = (ms: number) => {
          if (counts) latencies.push({ committedAt: change.committedAt, ms });
        };
        this.#watch.watch({ ...change, onReadable });
      }
      step.update(`${latencies.length} readable, ${this.#watch.outstanding} outstanding`);
    };
    await this.#orders.keep(rate, RATE_WARM_UP_SECONDS, this.#signal, watched(false));
    const written = await this.#orders.keep(rate, seconds, this.#signal, watched(true));
    const backlogAtEnd = this.#watch.outstanding * every;
    await this.#drained(DRAIN_TIMEOUT_MS);
    const unreadable = this.#watch.outstanding * every;
    this.#watch.forget();
    const inOrder = latencies.sort((a, b) => a.committedAt - b.committedAt).map(({ ms }) => ms);
    const latencyMs = percentilesOf(inOrder) ?? null;
    const achieved = rounded(written.changes / written.seconds);
    const isFast = latencyMs !== null && latencyMs.p99 <= LONGEST_MS;
    return {
      ...{ rate, achieved, seconds, changes: written.changes, latencyMs, watchedEvery: every },
      ...{ backlogAtEnd, unreadable },
      holds: isFast && unreadable === 0 && achieved >= 0.95 * rate && !isGrowing(inOrder),
    };
  }

  /** False when something was not readable in time. */
  async #drained(timeoutMs: number): Promise<boolean> {
    const end = performance.now() + timeoutMs;
    while (this.#watch.outstanding > 0) {
      this.#signal.throwIfAborted();
      if (performance.now() > end) return false;
      await sleep(5);
    }
    this.#signal.throwIfAborted();
    return true;
  }
}

/** Updates and deletes are where ways differ: numbers of orders as the database has them, and as can be read. */
async function compare(
  bench: Workbench,
  live: LiveWay,
  redis: RedisClient,
  { from, to }: Customers,
): Promise<Pick<WayFreshness, "compared" | "differ">> {
  const last = Math.min(to, from + MOST_COMPARED - 1);
  const { rows } = await withPostgres(bench.endpoints.postgres, (client) =>
    client.query<{ customer: string; orders: string }>(
      "SELECT customer_id AS customer, count(*) AS orders FROM public.orders WHERE customer_id BETWEEN $1 AND $2 GROUP BY 1",
      [from, last],
    ),
  );
  for (let times = 1; ; times++) {
    const texts = await Promise.all(
      rows.map(({ customer }) => redis.hget(live.key(Number(customer)), "order_count_30d")),
    );
    const differ = rows.filter(({ orders }, i) => texts[i] !== orders).length;
    if (differ === 0 || times === COMPARISONS) return { compared: rows.length, differ };
    await sleep(COMPARE_AGAIN_MS);
  }
}
