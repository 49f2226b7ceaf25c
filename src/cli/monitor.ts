import path from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { parseDuration } from "../definition/duration.ts";
import { alertRules } from "../monitor/alerts.ts";
import { dashboard } from "../monitor/dashboard.ts";
import { expose, type Form } from "../monitor/exposition.ts";
import { familiesOf } from "../monitor/families.ts";
import { serveMetrics } from "../monitor/serve.ts";
import { writeFileAtomic } from "../platform/files.ts";
import type { Context, Target } from "./context.ts";
import { option, profile, target } from "./options.ts";
import { duration } from "./run.ts";
import { Watch } from "./watch.ts";

interface MonitorOptions extends Target {
  port: number;
  onlineEvery: string;
  once?: boolean;
  form: Form;
  write?: string;
}

/** That of OpenTelemetry's exporter for Prometheus. */
const PORT = 9464;

export function monitor(program: Command, context: Context): void {
  program
    .command("monitor [sets...]")
    .description(
      "serve metrics of feature sets to Prometheus, on 127.0.0.1 (default: all sets that were run)",
    )
    .addOption(
      option("--port <port>", "where /metrics is; 0 takes a free one").default(PORT).argParser(portOf),
    )
    .addOption(
      option("--online-every <duration>", "how often the online store is looked through")
        .default("1 minute")
        .argParser(duration),
    )
    .addOption(option("--once", "print the metrics, and end"))
    .addOption(
      option(
        "--form <form>",
        "with --once: prometheus, the text that promtool and node_exporter read, or openmetrics",
      )
        .choices(["prometheus", "openmetrics"])
        .default("prometheus"),
    )
    .addOption(option("--write <dir>", "write a Grafana dashboard and alert rules, and end"))
    .addOption(target())
    .addOption(profile())
    .action(async (sets: string[], options: MonitorOptions) => {
      if (options.write !== undefined) {
        await writeConfiguration(path.resolve(context.cwd, options.write), options.port, context);
        return;
      }
      const watch = await Watch.open(sets, options, context);
      const collect = async () => familiesOf(await watch.look());
      if (options.once) {
        await watch.lookOnline();
        const { text } = await expose(await collect(), options.form);
        context.terminal.print(text.trimEnd());
        return;
      }
      const signal = context.interruption();
      const server = await serveMetrics(options.port, collect);
      const address = server.address();
      const port = address !== null && typeof address === "object" ? address.port : options.port;
      context.progress.note(`metrics of ${watch.what}: http://127.0.0.1:${port}/metrics, until Ctrl-C`);
      await watch.keepLookingOnline(parseDuration(options.onlineEvery), signal);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
}

/** Files that Prometheus and Grafana read as they are. */
async function writeConfiguration(folder: string, port: number, { progress }: Context): Promise<void> {
  const files = {
    "prometheus.yml": scrapeConfiguration(port),
    "cdc-features-alerts.yml": alertRules(),
    "cdc-features-dashboard.json": `${JSON.stringify(dashboard(), null, 2)}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFileAtomic(path.join(folder, name), text);
    progress.note(`${path.join(folder, name)} written`);
  }
}

function scrapeConfiguration(port: number): string {
  return `global:
  scrape_interval: 5s
  evaluation_interval: 15s
rule_files:
  - cdc-features-alerts.yml
scrape_configs:
  - job_name: cdc-features
    static_configs:
      - targets: ["127.0.0.1:${port}"]
`;
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new InvalidArgumentError("It is a number from 0 to 65535.");
}
