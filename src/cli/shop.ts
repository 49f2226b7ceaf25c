/** The demo shop of a stack, for commands that write to it. */
import { UsageError } from "../errors.ts";
import type { Endpoints, Stack } from "../stack/stack.ts";

/** The shop's database. Throws UsageError on a target whose database is somebody's own. */
export function shopOf(stack: Stack, { postgres }: Endpoints): string {
  if (stack.hasShop && postgres !== undefined) return postgres;
  throw new UsageError(`the target ${stack.target} has no demo shop`, {
    hint: "Its database is your own, and changed by your own programs only. The demo shop is part of `--target embedded` and `--target compose`.",
  });
}
