/** Errors that a user can act on: what happened, the way out, and the exit code the command line promises. */

export const EXIT = {
  ok: 0,
  differ: 1,
  usage: 2,
  environment: 3,
  failed: 4,
  timeout: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface ErrorDetails {
  /** What to do next, one sentence or a few lines. */
  hint?: string;
  cause?: unknown;
}

export abstract class CdcFeaturesError extends Error {
  abstract readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.hint = details.hint;
  }
}

/** Wrong usage of the command line, or a definition with problems. */
export class UsageError extends CdcFeaturesError {
  readonly exitCode = EXIT.usage;
}

/** Something outside is missing or in the way: a tool, a port, a permission, the network. */
export class EnvironmentError extends CdcFeaturesError {
  readonly exitCode = EXIT.environment;
}

/** The job or a server failed. */
export class JobError extends CdcFeaturesError {
  readonly exitCode = EXIT.failed;
}

/** Something did not come about in the time given to it. */
export class TimeoutError extends CdcFeaturesError {
  readonly exitCode = EXIT.timeout;
}

/** The user stopped it. */
export class InterruptedError extends CdcFeaturesError {
  readonly exitCode = EXIT.interrupted;
}
