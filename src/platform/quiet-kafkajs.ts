/**
 * kafkajs 2.2.4 sets timers to negative delays, which is harmless; Node 24 warns of each on the user's screen.
 * Imported for its effect by whatever uses kafkajs.
 */
const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;

process.emitWarning = (...args: unknown[]) => {
  if (args[1] !== "TimeoutNegativeWarning") emitWarning(...args);
};
