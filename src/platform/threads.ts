/** Threads that run a TypeScript module of ours. */
import { Worker } from "node:worker_threads";

/** The module finds `data` as `workerData`. A thread does not inherit what lets this process read TypeScript. */
export function startThread(module: URL, data: unknown): Worker {
  const loader = import.meta.resolve("tsx/esm/api");
  const start = `import { register } from ${JSON.stringify(loader)}; register(); await import(${JSON.stringify(module.href)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), { workerData: data });
}
