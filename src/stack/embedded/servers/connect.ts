/** Kafka Connect (distributed, one worker) with Debezium's Postgres connector. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { writeFileAtomic } from "../../../platform/files.ts";
import { type ServerProcess, startServer } from "../../../platform/processes.ts";
import { type Home, inState } from "../../home.ts";
import { javaCommand, jvmArguments, jvmEnvironment } from "../../setup/java.ts";

export interface ConnectOptions {
  home: Home;
  javaHome: string;
  jars: string;
  port: number;
  kafka: string;
}

export async function startConnect({
  home,
  javaHome,
  jars,
  port,
  kafka,
}: ConnectOptions): Promise<ServerProcess> {
  const folder = inState.server(home, "connect");
  const config = "worker.properties";
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(path.join(folder, config), properties(port, kafka));
  return startServer(
    javaCommand(javaHome),
    await jvmArguments(folder, jars, "org.apache.kafka.connect.cli.ConnectDistributed", [config]),
    { log: inState.log(home, "connect"), cwd: folder, env: jvmEnvironment() },
  );
}

function properties(port: number, kafka: string): string {
  return `bootstrap.servers=${kafka}
group.id=cdc-features
key.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
key.converter.replace.null.with.default=false
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
# A null stays a null in a column that has a default.
value.converter.replace.null.with.default=false
config.storage.topic=_connect-configs
config.storage.replication.factor=1
offset.storage.topic=_connect-offsets
offset.storage.replication.factor=1
offset.storage.partitions=1
status.storage.topic=_connect-status
status.storage.replication.factor=1
status.storage.partitions=1
# Offsets go back to Postgres' slot with each flush: this is what "caught up" is read from.
offset.flush.interval.ms=200
scheduled.rebalance.max.delay.ms=0
listeners=http://127.0.0.1:${port}
rest.advertised.host.name=127.0.0.1
# All plugins are on the class path and say so themselves: no scan.
plugin.discovery=service_load
`;
}
