/** CPU time and memory of a process and all below it, from /proc. */
import { readdirSync, readFileSync } from "node:fs";
import type { Usage } from "./document.ts";

const EVERY_MS = 250;
/** Linux counts CPU time in hundredths of a second, for whoever asks through /proc. */
const TICKS_PER_SECOND = 100;

type Role = "jvm" | "driver" | "worker" | "other";

interface Seen {
  ticks: number;
  peakBytes: number;
  role: Role;
}

export interface UsageWatch {
  /** Undefined where nothing could be seen. */
  end(): Usage | undefined;
}

/** Watches what `rootOf` names, once it does. */
export function watchUsage(rootOf: () => Promise<number | undefined>): UsageWatch {
  const cpu = new Map<number, number>();
  const peaks = { jvm: 0, driver: 0, worker: 0, other: 0 };
  let root: number | undefined;
  const look = async () => {
    root ??= await rootOf();
    if (root === undefined) return;
    const now = { jvm: 0, driver: 0, worker: 0, other: 0 };
    for (const [pid, seen] of treeOf(root)) {
      cpu.set(pid, seen.ticks);
      now[seen.role] += seen.peakBytes;
    }
    for (const role of ["jvm", "driver", "worker"] as const) peaks[role] = Math.max(peaks[role], now[role]);
  };
  const timer = setInterval(() => void look().catch(() => {}), EVERY_MS).unref();
  return {
    end: () => {
      clearInterval(timer);
      if (cpu.size === 0) return undefined;
      const ticks = [...cpu.values()].reduce((sum, one) => sum + one, 0);
      return {
        cpuSeconds: ticks / TICKS_PER_SECOND,
        jvmPeakBytes: peaks.jvm,
        pythonDriverPeakBytes: peaks.driver,
        pythonWorkersPeakBytes: peaks.worker,
      };
    },
  };
}

/** Those that have not ended meanwhile. */
function treeOf(root: number): Map<number, Seen> {
  const stats = new Map(processes().flatMap((pid) => statOf(pid)));
  const isBelow = (pid: number): boolean => {
    const parent = stats.get(pid)?.ppid ?? 0;
    return pid === root || (parent > 1 && isBelow(parent));
  };
  const tree = [...stats].filter(([pid]) => isBelow(pid));
  return new Map(tree.flatMap(([pid, { ticks }]) => lookAt(pid, ticks)));
}

function processes(): number[] {
  return process.platform === "linux" ? readdirSync("/proc").map(Number).filter(Number.isSafeInteger) : [];
}

/** The pair of one process, or nothing where it is gone. */
function statOf(pid: number): [number, { ppid: number; ticks: number }][] {
  try {
    // The command name may hold spaces and brackets: fields count from the last bracket.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return [[pid, { ppid: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }]];
  } catch {
    return [];
  }
}

function lookAt(pid: number, ticks: number): [number, Seen][] {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    const peak = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return [[pid, { ticks, peakBytes: Number(peak ?? 0) * 1024, role: roleOf(command) }]];
  } catch {
    return [];
  }
}

function roleOf(command: string): Role {
  if (/^\S*java /.test(command)) return "jvm";
  if (/pyspark[./](daemon|worker)/.test(command)) return "worker";
  return /^\S*python/.test(command) ? "driver" : "other";
}
