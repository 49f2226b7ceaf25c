/**
 * ioredis 5.11.1 opens a connection for subscriptions to every cluster, which nothing here uses, and warns on the user's screen
 * where it may not ask INFO there. Imported for its effect by what uses a cluster.
 */
const warn = console.warn.bind(console);

console.warn = (...args: unknown[]) => {
  if (!String(args[0]).startsWith("Skipping the ready check because INFO")) warn(...args);
};
