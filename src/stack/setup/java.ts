/** Arguments of the JVMs that serve one developer's machine: small heaps and a quick start. */
import { mkdir } from "node:fs/promises";
import path from "node:path";

// As a URL, in which log4j takes a comma for the next file.
const LOG4J = new URL("log4j2.properties", import.meta.url).href.replaceAll(",", "%2C");

export function javaCommand(javaHome: string): string {
  return path.join(javaHome, "bin", "java");
}

/** Without a locale Java cannot open a file whose path is not ASCII. macOS has no C.UTF-8 everywhere. */
export function jvmEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: process.platform === "darwin" ? "en_US.UTF-8" : "C.UTF-8" };
}

/** `folder` is the server's own: what a JVM puts into the system's temporary folder would outlive a purge. */
export async function jvmArguments(
  folder: string,
  jars: string,
  mainClass: string,
  args: string[],
): Promise<string[]> {
  const tmp = path.join(folder, "tmp");
  await mkdir(tmp, { recursive: true });
  return [
    "-Xmx512m",
    "-XX:+UseSerialGC",
    // The quick compiler alone: half the time to start, and enough for these loads.
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    `-Djava.io.tmpdir=${tmp}`,
    `-Dlog4j2.configurationFile=${LOG4J}`,
    "-cp",
    `${jars}/*`,
    mainClass,
    ...args,
  ];
}

/** A driver that is Jupyter, another Spark's home, configuration or folders would all get in the way. */
export function withoutSpark(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = /^(SPARK|PYSPARK|HADOOP|YARN)_|^PYTHONHOME$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)));
}
