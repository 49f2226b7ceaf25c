/** Arguments of the JVMs that serve one developer's machine: small heaps and a quick start. */
import path from "node:path";
import { fileURLToPath } from "node:url";

const LOG4J = fileURLToPath(new URL("log4j2.properties", import.meta.url));

export function javaCommand(javaHome: string): string {
  return path.join(javaHome, "bin", "java");
}

export function jvmArguments(jars: string, mainClass: string, args: string[]): string[] {
  return [
    "-Xmx512m",
    "-XX:+UseSerialGC",
    // The quick compiler alone: half the time to start, and enough for these loads.
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    `-Dlog4j2.configurationFile=${LOG4J}`,
    "-cp",
    `${jars}/*`,
    mainClass,
    ...args,
  ];
}
