import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EnvironmentError, UsageError } from "../../src/errors.ts";
import { withPostgres } from "../../src/platform/postgres.ts";
import { createShop, isEmpty, runSql, ShopNotEmpty, seed, traffic } from "../../src/stack/demo-shop/index.ts";
import { stack } from "./support/stack.ts";

const UNTIL = new Date("2026-03-01T00:00:00Z");
const SMALL = { customers: 100, products: 20, orders: 1_000, until: UNTIL };

/** A database of its own on the stack's server, so that nothing here reaches the shop that Debezium reads. */
async function ownDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const { postgres } = await stack();
  const name = `demo_shop_${randomBytes(4).toString("hex")}`;
  await runSql(postgres, `CREATE DATABASE ${name}`);
  // Not UTC, so that anything that relies on the server being there is found.
  await runSql(postgres, `ALTER DATABASE ${name} SET timezone = 'Asia/Kolkata'`);
  const url = new URL(postgres);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => {
      await runSql(postgres, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

const LOG_OF_WRITES = `
  CREATE TABLE written (n bigint GENERATED ALWAYS AS IDENTITY, at timestamptz);
  CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO written (at) VALUES (NEW.updated_at); RETURN NULL; END';
  CREATE TRIGGER note AFTER INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note();
`;

/** All rows of a query as text. */
async function rowsOf(url: string, sql: string): Promise<(string | null)[][]> {
  const results = await runSql(url, sql);
  return results.at(-1)?.rows ?? [];
}

describe("demo shop", () => {
  let url: string;
  let drop: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    ({ url, drop } = await ownDatabase());
  });
  afterAll(async () => {
    await drop?.();
  });

  it("creates its tables, also when several ask at once and when they are there", async () => {
    await Promise.all([createShop(url), createShop(url), createShop(url)]);
    await createShop(url);
    const identities = await rowsOf(
      url,
      "SELECT relname, relreplident FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
    );
    expect(identities).toEqual([
      ["customers", "f"],
      ["orders", "f"],
      ["products", "f"],
    ]);
    expect(await isEmpty(url)).toBe(true);
  });

  it("is created again beside an open transaction, and explains one that is in the way", async () => {
    const open = new pg.Client({ connectionString: url });
    await open.connect();
    try {
      await open.query("BEGIN; INSERT INTO orders DEFAULT VALUES");
      await createShop(url);
      await runSql(url, "ALTER TABLE customers REPLICA IDENTITY DEFAULT");
      await open.query("LOCK TABLE customers IN ROW EXCLUSIVE MODE");
      const refused = await createShop(url).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(EnvironmentError);
      expect((refused as EnvironmentError).hint).toContain("ROLLBACK");
    } finally {
      await open.query("ROLLBACK");
      await open.end();
    }
    await createShop(url);
  });

  it("is seeded once, though two ask at a time", async () => {
    const own = await ownDatabase();
    try {
      const both = await Promise.allSettled([seed(own.url, SMALL), seed(own.url, SMALL)]);
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      const [refused] = both.filter((result) => result.status === "rejected");
      expect(refused?.reason).toBeInstanceOf(ShopNotEmpty);
      expect(await rowsOf(own.url, "SELECT count(*) FROM customers")).toEqual([["100"]]);
    } finally {
      await own.drop();
    }
  });

  it("is reached whatever PGSSLMODE asks of other servers", async () => {
    vi.stubEnv("PGSSLMODE", "require");
    vi.stubEnv("PGSSLNEGOTIATION", "direct");
    try {
      expect(await isEmpty(url)).toBe(true);
      expect(await withPostgres(url, async () => true)).toBe(true);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("takes a single line with nothing but a key, or with nothing at all", async () => {
    const [order, customer, product] = await runSql(
      url,
      `BEGIN;
       INSERT INTO orders DEFAULT VALUES RETURNING customer_id, product_id, quantity, total_amount, status;
       INSERT INTO customers (customer_id) VALUES (1) RETURNING email, country, segment;
       INSERT INTO products (product_id) VALUES (1) RETURNING name, category, price;
       ROLLBACK`,
    ).then((results) => results.slice(1, 4));
    expect(order?.rows).toEqual([[null, null, "1", "0.00", "new"]]);
    expect(customer?.rows).toEqual([["", "", ""]]);
    expect(product?.rows).toEqual([["", "", "0.00"]]);
  });

  it("leaves nothing behind when a seed is interrupted", async () => {
    const interrupted = seed(url, SMALL, ({ written }) => {
      if (written >= 1_000) throw new Error("interrupted");
    });
    await expect(interrupted).rejects.toThrow("interrupted");
    expect(await isEmpty(url)).toBe(true);
  });

  it("seeds the rows that its history says, the same each time", async () => {
    const written: number[] = [];
    const result = await seed(url, SMALL, (progress) => written.push(progress.written / progress.total));
    const content = "SELECT md5(string_agg(o::text, '|' ORDER BY order_id)) FROM orders AS o";
    const first = await rowsOf(url, content);

    expect(written.at(-1)).toBe(1);
    expect(result.rows).toEqual({ customers: 100, products: 20, orders: 1_000 - result.changes.delete });
    expect(await isEmpty(url)).toBe(false);
    expect(await rowsOf(url, "SELECT count(*) FROM orders WHERE updated_at > created_at")).not.toEqual([
      ["0"],
    ]);

    await runSql(url, "DELETE FROM orders; DELETE FROM products; DELETE FROM customers");
    await seed(url, SMALL);
    expect(await rowsOf(url, content)).toEqual(first);
  });

  it("writes inserts and updates in the order of their times", async () => {
    const own = await ownDatabase();
    try {
      await createShop(own.url);
      await runSql(own.url, LOG_OF_WRITES);
      const { changes } = await seed(own.url, SMALL);
      const inOrder = "SELECT array_agg(at ORDER BY n) = array_agg(at ORDER BY at), count(*) FROM written";
      const writes = changes.insert + changes.status + changes.amount + changes.move;
      expect(await rowsOf(own.url, inOrder)).toEqual([["t", String(writes)]]);
    } finally {
      await own.drop();
    }
  });

  it("gives the next order the id after the last seeded one", async () => {
    expect(await rowsOf(url, "INSERT INTO orders DEFAULT VALUES RETURNING order_id")).toEqual([["1001"]]);
  });

  it("refuses to seed a shop that has rows, and adds to it when told", async () => {
    const before = await rowsOf(url, "SELECT count(*) FROM orders");
    await expect(seed(url, SMALL)).rejects.toThrow(UsageError);
    expect(await rowsOf(url, "SELECT count(*) FROM orders")).toEqual(before);

    const { rows, changes } = await seed(url, { ...SMALL, orders: 10, append: true });
    expect(rows).toEqual({
      customers: 100,
      products: 20,
      orders: Number(before[0]?.[0]) + 10 - changes.delete,
    });
    expect(await rowsOf(url, "INSERT INTO orders DEFAULT VALUES RETURNING order_id")).toEqual([["1012"]]);
  });

  it("refuses sizes that make no shop", async () => {
    await expect(seed(url, { ...SMALL, orders: 0, append: true })).rejects.toThrow(/orders .* not 0/);
    await expect(seed(url, { ...SMALL, products: 1.5, append: true })).rejects.toThrow(
      /products .* not 1\.5/,
    );
  });

  it("writes live traffic at the rate asked for, with now as the event time", async () => {
    const [before] = await rowsOf(url, "SELECT count(*), now() FROM orders");
    const stop = new AbortController();
    const running = traffic(url, { rate: 100, signal: stop.signal });
    setTimeout(() => stop.abort(), 2_000);
    const { changes, total, seconds } = await running;

    expect(total / seconds).toBeGreaterThan(80);
    expect(total / seconds).toBeLessThan(105);
    expect(Object.values(changes).reduce((sum, count) => sum + count, 0)).toBe(total);
    for (const count of Object.values(changes)) expect(count).toBeGreaterThan(0);
    const [after] = await rowsOf(
      url,
      `SELECT count(*), count(*) FILTER (WHERE created_at BETWEEN '${before?.[1]}' AND now()) FROM orders`,
    );
    expect(Number(after?.[0]) - Number(before?.[0])).toBe(changes.insert - changes.delete);
    expect(Number(after?.[1])).toBeGreaterThan(0);
    expect(Number(after?.[1])).toBeLessThanOrEqual(changes.insert);
  });

  it("counts only changes that met a row when somebody else deletes orders meanwhile", async () => {
    const own = await ownDatabase();
    try {
      await seed(own.url, SMALL);
      await runSql(own.url, LOG_OF_WRITES);
      const running = traffic(own.url, { rate: 200, signal: AbortSignal.timeout(1_500) });
      setTimeout(() => void runSql(own.url, "DELETE FROM orders"), 500);
      const { changes } = await running;
      const writes = changes.insert + changes.status + changes.amount + changes.move;
      expect(await rowsOf(own.url, "SELECT count(*) FROM written")).toEqual([[String(writes)]]);
      expect(changes.status).toBeGreaterThan(0);
    } finally {
      await own.drop();
    }
  });

  it("has no traffic in an empty shop, nor at no rate", async () => {
    const signal = AbortSignal.timeout(1_000);
    await expect(traffic(url, { rate: 0, signal })).rejects.toThrow(/rate .* not 0/);
    const empty = await ownDatabase();
    try {
      await createShop(empty.url);
      await expect(traffic(empty.url, { rate: 10, signal })).rejects.toThrow(UsageError);
    } finally {
      await empty.drop();
    }
  });

  it("runs several statements and prints values as Postgres does", async () => {
    const results = await runSql(
      url,
      "SELECT 1.50::numeric AS price, NULL AS nothing, timestamptz '2026-01-01 01:00+01' AS at; CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1), (2)",
    );
    expect(results).toEqual([
      {
        command: "SELECT",
        columns: ["price", "nothing", "at"],
        rows: [["1.50", null, "2026-01-01 00:00:00+00"]],
        count: 1,
      },
      { command: "CREATE", columns: [], rows: [], count: null },
      { command: "INSERT", columns: [], rows: [], count: 2 },
    ]);
  });

  it("keeps nothing of several statements when one of them fails", async () => {
    const before = await rowsOf(url, "SELECT count(*) FROM orders");
    await expect(runSql(url, "DELETE FROM orders; SELECT 1/0")).rejects.toThrow("division by zero");
    expect(await rowsOf(url, "SELECT count(*) FROM orders")).toEqual(before);
  });

  it("points at the place that Postgres refuses, and passes its hint on", async () => {
    const wrong = await runSql(url, "SELECT 'ü',\n  ordr_id FROM orders").catch((error: unknown) => error);
    expect(wrong).toBeInstanceOf(UsageError);
    expect((wrong as UsageError).message).toContain("line 2, column 3:\n    ordr_id FROM orders\n    ^");
    expect((wrong as UsageError).hint).toContain("orders.order_id");
  });

  it("tells a server that does not answer apart from a wrong statement", async () => {
    const away = new URL(url);
    away.port = "1";
    await expect(runSql(away.href, "SELECT 1")).rejects.toThrow(EnvironmentError);
    await expect(runSql(url, "SELECT pg_terminate_backend(pg_backend_pid())")).rejects.toThrow(
      EnvironmentError,
    );
  });

  it("uses a given client and leaves it open", async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      expect(await isEmpty(client)).toBe(false);
      expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    } finally {
      await client.end();
    }
  });
});
