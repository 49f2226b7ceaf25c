/** The endpoints of the stack that global.ts started. */
import { inject } from "vitest";
import type { EndpointUrls } from "../../../src/stack/stack.ts";
import { cli } from "./cli.ts";

/** As `up --json` prints them. */
type Endpoints = Record<keyof EndpointUrls, string>;

let endpoints: Promise<Endpoints> | undefined;

export function projectFolder(): string {
  return inject("project");
}

export function stack(): Promise<Endpoints> {
  endpoints ??= cli(projectFolder(), ["up", "--no-demo-data", "--json"]).then(
    (up) => JSON.parse(up.stdout).endpoints as Endpoints,
  );
  return endpoints;
}
