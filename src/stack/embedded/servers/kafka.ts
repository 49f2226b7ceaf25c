/** One Kafka broker that is its own controller (KRaft). */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { JobError } from "../../../errors.ts";
import { writeFileAtomic } from "../../../platform/files.ts";
import { runCommand, type ServerProcess, startServer } from "../../../platform/processes.ts";
import { type Home, inState } from "../../home.ts";
import { javaCommand, jvmArguments, jvmEnvironment } from "../../setup/java.ts";

/**
 * Both relative to the server's own folder: Java reads a properties file as Latin-1, and Kafka takes a comma in
 * a path for the next folder.
 */
const CONFIG = "server.properties";
const DATA = "data";

export interface KafkaOptions {
  home: Home;
  javaHome: string;
  jars: string;
  port: number;
  controllerPort: number;
}

export async function startKafka(options: KafkaOptions): Promise<ServerProcess> {
  const { home, javaHome, jars } = options;
  const folder = inState.server(home, "kafka");
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(path.join(folder, CONFIG), properties(options));
  // The marker is written last: an interrupted format begins anew.
  const formatted = path.join(folder, "formatted");
  if (!existsSync(formatted)) {
    await format(options, folder);
    await writeFileAtomic(formatted, "");
  }
  return startServer(javaCommand(javaHome), await jvmArguments(folder, jars, "kafka.Kafka", [CONFIG]), {
    log: inState.log(home, "kafka"),
    cwd: folder,
    env: jvmEnvironment(),
  });
}

function properties({ port, controllerPort }: KafkaOptions): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=${DATA}
# Change events are the source of truth for rebuilds and for verify: they stay.
log.retention.ms=-1
# A producer that misspells a topic should hear of it.
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`;
}

async function format({ javaHome, jars }: KafkaOptions, folder: string): Promise<void> {
  await rm(path.join(folder, DATA), { recursive: true, force: true });
  const result = await runCommand(
    javaCommand(javaHome),
    await jvmArguments(folder, jars, "kafka.tools.StorageTool", [
      ...["format", "--cluster-id", newClusterId(), "--config", CONFIG],
    ]),
    { cwd: folder, env: jvmEnvironment() },
  );
  if (!result.ok)
    throw new JobError(`Kafka's storage could not be formatted:\n${result.stderr || result.stdout}`);
}

/** Not one that begins with a dash, which Kafka's tools take for an option, as Kafka's own generator does. */
export function newClusterId(): string {
  const id = randomBytes(16).toString("base64url");
  return id.startsWith("-") ? newClusterId() : id;
}
