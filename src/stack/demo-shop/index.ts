/** The demo shop: a small web shop in Postgres whose changes the built-in feature sets are computed from. */

export { createShop, isEmpty, type RowCounts } from "./schema.ts";
export { type SeedOptions, type SeedProgress, type SeedResult, ShopNotEmpty, seed } from "./seed.ts";
export { runSql, type StatementResult } from "./sql.ts";
export { type TrafficOptions, type TrafficResult, traffic } from "./traffic.ts";
