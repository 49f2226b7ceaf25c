import { expect, it } from "vitest";
import { newClusterId } from "../../../src/stack/embedded/servers/kafka.ts";

it("a cluster id is 16 bytes as base64url that no tool takes for an option", () => {
  for (let i = 0; i < 2_000; i++) expect(newClusterId()).toMatch(/^\w[\w-]{21}$/);
});
