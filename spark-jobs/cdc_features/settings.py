"""What a job is told from outside: one JSON file, named as its only argument."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

Sink = Literal["dual", "redis", "parquet", "console"]


@dataclass(frozen=True)
class Settings:
    """`in_step` says that both stores were always written together; `kafka` is a host:port list; `offline_root`,
    `checkpoint` and `dead_letters` are folders every executor reaches (paths or URIs); the job ends after the running
    batch when `stop_file` appears."""

    kafka: str
    topic_prefix: str
    redis_url: str
    offline_root: str
    checkpoint: str
    sink: Sink
    in_step: bool
    continuous: bool
    trigger_interval: str
    stop_file: str
    dead_letters: str

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
    return Settings(**given)
