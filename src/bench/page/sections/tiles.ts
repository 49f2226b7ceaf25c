/** What most readers come for, each in one number. */

import { type Markup, markup } from "../../../page/markup.ts";
import { count, milliseconds, ratio, seconds } from "../../../page/numbers.ts";
import type { BenchDocument } from "../../document.ts";
import { perSecond } from "./bulk.ts";

export function tiles({ parts }: BenchDocument): Markup {
  const shown: [value: string, words: string][] = [];
  const bulk = (name: string) => parts.bulk?.ways.find(({ way }) => way === name);
  const [exact, plain] = [bulk("exact"), bulk("plain")];
  if (exact !== undefined) shown.push([`${count(perSecond(exact))}/s`, "events of the exact job, in bulk"]);
  if (exact !== undefined && plain !== undefined && perSecond(plain) > 0)
    shown.push([ratio(perSecond(exact) / perSecond(plain)), "times the plain pattern's speed"]);
  const fresh = parts.freshness?.find(({ way }) => way === "exact")?.rates;
  const last = fresh?.filter(({ holds }) => holds).at(-1);
  if (last?.latencyMs)
    shown.push([
      milliseconds(last.latencyMs.p99),
      `from commit to readable (p99) at ${count(last.rate)} changes/s, the highest rate that held`,
    ]);
  const get = parts.reads?.inProcess.find(({ what, entities }) => what.startsWith("get") && entities === 1);
  if (get !== undefined) shown.push([milliseconds(get.ms.p50), "to read an entity as get does (p50)"]);
  const hot = parts.hot?.freshness.rates[0];
  if (hot?.latencyMs)
    shown.push([milliseconds(hot.latencyMs.p99), "from commit to readable (p99), one hot customer"]);
  if (parts.idle !== undefined)
    shown.push([seconds(Math.min(...parts.idle.commandSeconds)), "a run with nothing to do"]);
  return markup`<div class="tiles">${shown.map(
    ([value, words]) => markup`<div class="tile"><b>${value}</b><span class="soft">${words}</span></div>`,
  )}</div>`;
}
