"""A job on local stores, with a file source in Kafka's place."""

import json
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from pyspark.sql import DataFrame, SparkSession

import customer_features
from cdc_features import job
from cdc_features.feature_set import FeatureSet
from cdc_features.offline import OfflineStore
from cdc_features.progress import PREFIX
from cdc_features.settings import Redis, Settings

Events = list[dict[str, Any]]


class Log:
    """A topic made of files: one file per produce call, its number the offset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def produce(self, *values: str | None) -> None:
        number = len(list(self.folder.iterdir()))
        unfinished = self.folder.with_suffix(".tmp")
        unfinished.write_text(
            "".join(json.dumps({"value": v, "offset": number * 1000 + i}) + "\n" for i, v in enumerate(values))
        )
        unfinished.rename(self.folder / f"{number:05d}.json")


class NoDeadLetters:
    """Dead letters are read from Kafka, which is not here."""

    def __init__(self, *_: object) -> None: ...
    def catch_up(self, *_: object) -> None: ...
    def passed(self, *_: object) -> None: ...
    def capture(self, *_: object) -> int:
        return 0


class Chain:
    def __init__(self, spark: SparkSession, folder: Path, redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.log = Log(folder / "log")
        self.settings = Settings(
            run_id="first",
            kafka="",
            kafka_options={},
            topic_prefix="shop",
            redis=Redis(redis_url),
            offline_root=str(folder / "offline"),
            checkpoint=str(folder / "checkpoint"),
            sink="dual",
            continuous=False,
            trigger_interval="200 milliseconds",
            max_batch_records=1000,
            mode="micro-batch",
            features_topic=None,
            realtime_batch="10 minutes",
            nothing_to_read=False,
            on_fail="fail",
            backfill=None,
            stop_file=str(folder / "stop"),
            dead_letters=str(folder / "dead"),
            report=None,
            plan=None,
        )
        self.store = OfflineStore(spark, self.settings.offline_root, customer_features.FEATURE_SET)
        self.feature_set, self.build = customer_features.FEATURE_SET, customer_features.build
        self._spark = spark
        self._capsys = capsys

    def run(self, **changed: Any) -> Events:
        """Runs the job; its events."""
        settings = Settings(**{**vars(self.settings), **changed})
        self._capsys.readouterr()
        job.Job(self._spark, self.feature_set, settings, self.build).run()
        lines = self._capsys.readouterr().out.splitlines()
        return [json.loads(line.removeprefix(PREFIX)) for line in lines if line.startswith(PREFIX)]

    def records(self, *_: object, from_the_start: bool | None = None, continuous: bool = False) -> DataFrame:
        """The log as Kafka's source would give it, written later than most event times; in one go for a replay."""
        reader = self._spark.readStream if from_the_start is None else self._spark.read
        return (
            reader.schema("value string, offset long")
            .json(str(self.log.folder))
            .selectExpr(
                "CAST(value AS BINARY) value",
                "offset",
                "'t' topic",
                "0 partition",
                "NULL key",
                "TIMESTAMP'2027-02-01' timestamp",
            )
        )

    def records_in_one_go(self, *_: object) -> DataFrame:
        return self.records(from_the_start=True)

    def use(self, feature_set: FeatureSet) -> None:
        """Runs another set from now on."""
        from conftest import job_of  # which imports this

        self.feature_set, self.build = feature_set, job_of(feature_set).build

    def history(self) -> list[dict[str, Any]]:
        files = sorted(Path(self.store.location).glob("*.parquet"))
        rows: list[dict[str, Any]] = ds.dataset([str(f) for f in files]).to_table().to_pylist() if files else []
        return rows


def summary(events: Events) -> dict[str, Any]:
    return next(e for e in events if e["event"] == "finished")
