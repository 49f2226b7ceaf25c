/** What only a process of its own shows: its streams, its signals, its exit code. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../../support/temporary-folder.ts";

vi.setConfig({ testTimeout: 30_000 });

const PROGRAM = fileURLToPath(new URL("../../../bin/cdc-features", import.meta.url));

function shell(line: string, env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", line], {
    cwd: temporaryFolder(),
    env: { ...process.env, ...env, NODE: process.execPath, PROGRAM },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("output that cannot be written", () => {
  it("is no failure when its reader has gone", () => {
    const { stderr } = shell(`{ "$NODE" "$PROGRAM" validate; echo "exit $?" >&2; } | true`);
    expect(stderr).toBe("exit 0\n");
  });

  it("of a command that fails leaves its own exit code", () => {
    const { stderr } = shell(`{ "$NODE" "$PROGRAM" validate --json none.yaml; echo "exit $?" >&2; } | true`);
    expect(stderr).toMatch(/exit 2\n$/);
  });

  it.skipIf(!existsSync("/dev/full"))("to a full disk ends with 4 and says so", () => {
    const { status, stderr } = shell(`"$NODE" "$PROGRAM" validate > /dev/full`);
    expect(status).toBe(4);
    expect(stderr).toMatch(/cannot write to stdout: .*ENOSPC/);
  });

  it.skipIf(!existsSync("/dev/full"))("to stderr costs only the message", () => {
    expect(shell(`"$NODE" "$PROGRAM" run custmer 2> /dev/full`)).toMatchObject({ status: 2 });
  });
});

describe("an error that nobody caught", () => {
  it("ends with 4, since 1 means that features differ", () => {
    const bug =
      "process.on('newListener',n=>{if(n==='uncaughtException')setImmediate(()=>{throw(new(Error)('out_of_the_blue'))})})";
    const { status, stderr } = shell(`"$NODE" "$PROGRAM" validate`, {
      NODE_OPTIONS: `--import=data:text/javascript,${bug}`,
    });
    expect(status).toBe(4);
    expect(stderr).toMatch(/internal error: .*out_of_the_blue/);
  });
});

describe("a terminal that is closed", () => {
  it("ends a command as Ctrl-C does, with what it has started", () => {
    const { stdout } = shell(`
      mkdir -p .cdc-features/logs && echo "a line" > .cdc-features/logs/postgres.log
      coproc "$NODE" "$PROGRAM" logs postgres --follow
      read -r line <&"\${COPROC[0]}"
      pid=$COPROC_PID
      kill -HUP $pid
      wait $pid
      echo "$line, exit $?"
      pgrep -f "$PWD/.cdc-features/logs/postgres.log" || echo "nothing left"
    `);
    expect(stdout).toBe("a line, exit 0\nnothing left\n");
  });
});
