/** Threads that run a TypeScript module of ours. */
import { Worker } from "node:worker_threads";

/** The module finds `data` as `workerData`. A thread does not inherit what lets this process read TypeScript. */
export function startThread(module: URL, data: unknown): Worker {
  const loader = import.meta.resolve("tsx/esm/api");
  const start = `import { register } from ${JSON.stringify(loader)}; register(); await import(${JSON.stringify(module.href)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), { workerData: data });
}

/** What a thread sends at its end; rejects when it ends with an error, or without a word. */
export function messageOf<T>(thread: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
    thread.once("exit", () => reject(new Error("a thread ended without a result")));
  });
}
