/** Metrics over HTTP, for scrapers on this machine only. */
import { createServer, type Server } from "node:http";
import { EnvironmentError } from "../errors.ts";
import { ownerOf } from "../platform/ports.ts";
import { expose, formFor } from "./exposition.ts";
import type { Family } from "./families.ts";

const HOST = "127.0.0.1";

/** `collect` is asked at each scrape. Throws EnvironmentError when the port is taken; 0 takes any. */
export async function serveMetrics(port: number, collect: () => Promise<Family[]>): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", `http://${HOST}`);
    const answer = (status: number, type: string, text: string) => {
      response.writeHead(status, { "content-type": type });
      response.end(request.method === "HEAD" ? undefined : text);
    };
    if (request.method !== "GET" && request.method !== "HEAD") answer(405, "text/plain", "only GET\n");
    else if (pathname !== "/metrics") answer(pathname === "/" ? 200 : 404, "text/plain", "see /metrics\n");
    else
      collect()
        .then((families) => expose(families, formFor(request.headers.accept)))
        .then(({ contentType, text }) => answer(200, contentType, text))
        .catch((error: unknown) => answer(500, "text/plain", `${(error as Error).message}\n`));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") return reject(error);
      ownerOf(port).then(
        (owner) =>
          reject(
            new EnvironmentError(`port ${port} is taken by ${owner}`, {
              hint: "Name another one with --port; 0 takes any that is free.",
            }),
          ),
        reject,
      );
    });
    server.listen(port, HOST, resolve);
  });
  return server;
}
