import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CdcFeaturesError } from "../../../src/errors.ts";
import type { RedisConnection } from "../../../src/platform/connections.ts";
import { withRedis } from "../../../src/platform/redis.ts";
import { readHashes, scanOnlineStore } from "../../../src/stores/online.ts";
import { type Authority, makeAuthority, makeCertificate } from "../../support/certificates.ts";
import {
  startCluster,
  startRedis,
  startTlsRedis,
  type TestCluster,
  type TestRedis,
} from "../../support/redis-server.ts";
import { customer } from "../verify/sets.ts";

const PASSWORD = "se:cr/et#%41";
const encoded = encodeURIComponent(PASSWORD);

const folder = mkdtempSync(path.join(os.tmpdir(), "cdc-features-redis-tls-"));
const authority = makeAuthority(folder, "authority");
const reader = [
  "reader",
  "on",
  `>${PASSWORD}`,
  "~customer:*",
  "~{*customer:*",
  "+eval",
  "+hgetall",
  "+pttl",
  "+scan",
  "+ping",
];
const tlsServer = await startTls("server", authority);
const otherName = await startTls("elsewhere", authority, ["DNS:redis.invalid"]);

/** Undefined where no server at hand knows TLS. */
async function startTls(
  name: string,
  { file }: Authority,
  names = ["IP:127.0.0.1"],
): Promise<TestRedis | undefined> {
  const { file: certificate, keyFile: key } = makeCertificate(folder, name, authority, names);
  const users = [reader, ["weak", "on", `>${PASSWORD}`, "~*", "+@connection", "+scan"], ["default", "off"]];
  return startTlsRedis({ ca: file, certificate, key }, users);
}

let plain: TestRedis;
let locked: TestRedis;
let cluster: TestCluster;

beforeAll(async () => {
  [plain, locked, cluster] = await Promise.all([startRedis(), startRedis(), startCluster()]);
  const redis = new Redis(locked.url);
  await redis.config("SET", "requirepass", PASSWORD);
  redis.disconnect();
}, 60_000);

afterAll(async () => {
  await Promise.all([plain, locked, cluster, tlsServer, otherName].map((server) => server?.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function refusal(connection: RedisConnection): Promise<CdcFeaturesError> {
  const work = withRedis(connection, (redis) => readHashes(redis, ["customer:1:features"]));
  const error = await work.then(
    () => "no error",
    (error) => error,
  );
  expect(error).toBeInstanceOf(CdcFeaturesError);
  for (const secret of [PASSWORD, encoded]) {
    expect(inspect(error, { depth: 6 })).not.toContain(secret);
  }
  return error;
}

const withUser = (url: string, user: string) => url.replace("://", `://${user}@`);
const placeOf = ({ url }: TestRedis) => new URL(url).host;

describe("one server", () => {
  test("a password with every awkward character is taken from the URL", async () => {
    const url = withUser(locked.url, `:${encoded}`);
    expect(await withRedis({ url }, (redis) => redis.ping())).toBe("PONG");
  });

  test("a wrong password", async () => {
    const { message, hint } = await refusal({ url: withUser(locked.url, `:${encoded}x`) });
    expect(message).toMatch(`Redis at ${placeOf(locked)} refuses: WRONGPASS`);
    expect(hint).toContain("percent-encoded");
  });

  test("no password", async () => {
    const { message, hint } = await refusal(locked);
    expect(message).toMatch(`Redis at ${placeOf(locked)} refuses: NOAUTH`);
    expect(hint).toContain("redis://user:password@host:port/0");
  });

  test("a database that is not there is not taken for database 0", async () => {
    const { message } = await refusal({ url: plain.url.replace(/0$/, "99") });
    expect(message).toContain("DB index is out of range");
  });

  test("an address that is no URL", async () => {
    const { message } = await refusal({ url: `redis://user:${PASSWORD}@127.0.0.1:6379/0` });
    expect(message).toBe("the address of Redis is no URL");
  });

  test("a single server as a cluster", async () => {
    const { message, hint } = await refusal({ ...plain, cluster: true });
    expect(message).toContain(
      `the Redis Cluster at ${placeOf(plain)} refuses: ERR This instance has cluster support disabled`,
    );
    expect(hint).toContain("remove `cluster: true`");
  });
});

describe("a cluster", () => {
  test("as a single server", async () => {
    const { message, hint } = await refusal({ url: cluster.connection.url });
    expect(message).toContain("is a node of a cluster");
    expect(hint).toContain("`cluster: true`");
  });

  test("by another of its nodes, when the first is not there", async () => {
    const nodes = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`);
    const connection = { url: "redis://127.0.0.1:1/0", cluster: true, nodes };
    expect(await withRedis(connection, (redis) => redis.ping())).toBe("PONG");
  });

  test("none of whose nodes is there", async () => {
    const { message } = await refusal({ url: "redis://127.0.0.1:1/0", cluster: true });
    expect(message).toContain("cannot connect to the Redis Cluster at 127.0.0.1:1: connect ECONNREFUSED");
  });

  test("has no other database", async () => {
    const { message } = await refusal({ url: cluster.connection.url.replace(/0$/, "3"), cluster: true });
    expect(message).toContain("has no database 3");
  });

  test("with users: a wrong password, and commands that are not allowed", async () => {
    for (const { redis } of cluster.nodes)
      await redis.call("ACL", "SETUSER", "weak", "on", `>${PASSWORD}`, "~*", "+@connection", "+cluster");
    const { url } = cluster.connection;
    const wrong = await refusal({ url: withUser(url, `weak:${encoded}x`), cluster: true });
    expect(wrong.message).toContain("refuses the user weak: WRONGPASS");
    const weak = await refusal({ url: withUser(url, `weak:${encoded}`), cluster: true });
    expect(weak.message).toContain("'eval'");
    expect(weak.hint).toContain("+eval");
  });

  // The last: it leaves the cluster broken.
  test("with slots that no node serves", async () => {
    await cluster.nodes[1]?.redis.call("CLUSTER", "DELSLOTS", 7_000);
    await expect
      .poll(async () => (await refusal(cluster.connection)).message, { timeout: 20_000 })
      .toContain("is down");
  });
});

describe.skipIf(tlsServer === undefined || otherName === undefined)(
  "TLS and users (needs a Redis built with TLS)",
  () => {
    const server = tlsServer as TestRedis;
    const asReader = (url: string) => withUser(url, `reader:${encoded}`);

    test("a trusted server and a user with the rights that reading needs", async () => {
      const connection = { url: asReader(server.url), ca: authority.pem };
      await scanOnlineStore(customer, connection, () => {});
      const hashes = await withRedis(connection, (redis) => readHashes(redis, ["customer:1:features"]));
      expect(hashes).toEqual([{ fields: new Map(), expires: false }]);
    });

    test("an authority that is not known", async () => {
      const stranger = makeAuthority(folder, "stranger");
      for (const ca of [stranger.pem, undefined]) {
        const { message, hint } = await refusal({ url: asReader(server.url), ca });
        expect(message).toContain(`cannot connect to Redis at ${placeOf(server)}: no trusted connection`);
        expect(hint).toContain("`ca`");
      }
    });

    test("a certificate for another name", async () => {
      const { message, hint } = await refusal({
        url: asReader((otherName as TestRedis).url),
        ca: authority.pem,
      });
      expect(message).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
      expect(hint).toContain("name that its certificate has");
    });

    test("a server that knows only TLS", async () => {
      const { message, hint } = await refusal({ url: asReader(server.url).replace("rediss:", "redis:") });
      expect(message).toContain(`cannot connect to Redis at ${placeOf(server)}`);
      expect(hint).toContain("wants TLS");
    });

    test("a user without the right to a command, or to a key", async () => {
      const weak = await refusal({ url: withUser(server.url, `weak:${encoded}`), ca: authority.pem });
      expect(weak.message).toMatch(/refuses the user weak: NOPERM .*'eval'/);
      expect(weak.hint).toContain("+eval +hgetall +pttl +scan");
      const connection = { url: asReader(server.url), ca: authority.pem };
      await expect(withRedis(connection, (redis) => readHashes(redis, ["other:1:features"]))).rejects.toThrow(
        "NOPERM",
      );
    });
  },
);
