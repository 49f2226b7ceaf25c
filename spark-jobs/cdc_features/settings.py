"""What a job is told from outside: one JSON file, named as its only argument."""

import dataclasses
import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

Sink = Literal["dual", "redis", "parquet", "console"]
OnFail = Literal["fail", "quarantine"]
Mode = Literal["micro-batch", "realtime"]

# Names of Kafka's client properties that are secret, whatever their case; Spark is told them, too (session.py).
SECRET_OPTIONS = r"password|jaas|secret|credential|assertion|token$|(^|[.])key$"
_SECRET_OF_JAAS = re.compile(r"""(?i)(?:password|secret|token)\w*\s*=\s*["']((?:[^"'\\]|\\.)+)["']""")


@dataclass(frozen=True)
class Redis:
    """`url` is redis[s]://user:password@host:port/0, `nodes` are more nodes (host:port) of a cluster, `ca` certificates
    in PEM that rediss trusts besides the system's."""

    url: str = field(repr=False)
    nodes: list[str] = field(default_factory=list)
    cluster: bool = False
    ca: str | None = None


@dataclass(frozen=True)
class BackfillOrder:
    """Windows that begin from `from_ms` on and before `to_ms` (since 1970), computed from the topic up to the offsets
    in `end`, or from a snapshot of the table or files: a path of `format` csv, json or parquet, complete as of these.
    """

    from_ms: int
    to_ms: int
    source: Literal["topic", "table", "files"]
    end: dict[str, dict[str, int]]
    path: str | None
    format: Literal["csv", "json", "parquet"] | None


@dataclass(frozen=True)
class Settings:
    """`kafka` is a host:port list, `kafka_options` are properties of its clients; `stop_file` names the run that may go
    on: where it is there and does not say `run_id`, the job ends after the running batch. It tells in `report` how it
    ended; `plan` is what the checkpoint, `<root>/<set>/<sink>`, must have been made by. In mode `realtime` features go
    to `features_topic`, and `realtime_batch` is how long Spark goes on between two commits. `nothing_to_read`
    tells that the log ends where the checkpoint does; `on_fail` what becomes of rows that break a rule of severity
    `fail`. With `backfill` it is no run, but computes windows of the past. `offline_root`, `checkpoint`,
    `dead_letters`, `stop_file` and `report` are URIs of Hadoop's file systems, or paths that driver and executors
    share."""

    run_id: str
    kafka: str
    kafka_options: dict[str, str] = field(repr=False)
    topic_prefix: str
    redis: Redis
    offline_root: str
    checkpoint: str
    sink: Sink
    continuous: bool
    trigger_interval: str
    max_batch_records: int
    mode: Mode
    features_topic: str | None
    realtime_batch: str
    nothing_to_read: bool
    on_fail: OnFail
    stop_file: str
    dead_letters: str
    report: str | None
    plan: dict[str, Any] | None
    backfill: BackfillOrder | None

    @property
    def kafka_source(self) -> dict[str, str]:
        """How Spark reaches Kafka; the options hold secrets."""
        given = {f"kafka.{name}": value for name, value in self.kafka_options.items()}
        return given | {"kafka.bootstrap.servers": self.kafka}

    @property
    def secret_options(self) -> dict[str, str]:
        """Those of `kafka_options` that are secret."""
        return {
            name: value for name, value in self.kafka_options.items() if re.search(SECRET_OPTIONS, name, re.IGNORECASE)
        }

    @property
    def secrets(self) -> list[str]:
        """What no message may show, the longest first."""
        password = urlsplit(self.redis.url).password or ""
        found = {password, unquote(password)}
        for value in self.secret_options.values():
            inner = _SECRET_OF_JAAS.findall(value)
            found |= {value, *inner, *(re.sub(r"\\(.)", r"\1", text) for text in inner)}
        return sorted(found - {""}, key=len, reverse=True)

    @property
    def writes_redis(self) -> bool:
        return self.sink in ("dual", "redis")

    @property
    def writes_parquet(self) -> bool:
        return self.sink in ("dual", "parquet")


@dataclass(frozen=True)
class GoldenBatch:
    """A micro-batch: the offset behind its last record, and as of when it is computed (ms since 1970)."""

    end: int
    as_of_ms: int


@dataclass(frozen=True)
class GoldenCase:
    """`job` is a rendered job's path; `folder` holds the records in `log/`, a file per batch, and takes the rest."""

    job: str
    folder: str
    as_of_ms: int
    batches: list[GoldenBatch]


@dataclass(frozen=True)
class GoldenSettings:
    """Cases to compute instead of a run, `parallel` at a time; none begins once `stop_file` is there."""

    cases: list[GoldenCase]
    parallel: int
    stop_file: str


def read_settings(path: str) -> Settings | GoldenSettings:
    """ValueError names what is missing or unknown."""
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    if "cases" in given:
        cases = [
            GoldenCase(**{**case, "batches": [GoldenBatch(**batch) for batch in case["batches"]]})
            for case in given["cases"]
        ]
        return GoldenSettings(**{**given, "cases": cases})
    expected = {field.name for field in dataclasses.fields(Settings)}
    if missing := expected - given.keys():
        raise ValueError(f"{path}: missing settings: {', '.join(sorted(missing))}")
    if unknown := given.keys() - expected:
        raise ValueError(f"{path}: unknown settings: {', '.join(sorted(unknown))}")
    if given["sink"] not in ("dual", "redis", "parquet", "console"):
        raise ValueError(f'{path}: sink is "{given["sink"]}", expected dual, redis, parquet or console')
    backfill = given["backfill"] and BackfillOrder(**given["backfill"])
    return Settings(**{**given, "redis": Redis(**given["redis"]), "backfill": backfill})
