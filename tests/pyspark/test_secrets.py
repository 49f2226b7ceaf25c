"""Kafka's client properties arrive wherever Kafka is read, and no secret arrives anywhere else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import customer_features
from cdc_features.checkpoint import Batch
from cdc_features.failure import describe
from cdc_features.session import redact
from cdc_features.settings import Redis, Settings, read_settings
from cdc_features.source import change_log, records_of

KEY = "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----"
OPTIONS = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.jaas.config": 'org.x.ScramLoginModule required username="app" password="jaas\\"secret";',
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": "-----BEGIN CERTIFICATE-----\nMIIca\n-----END CERTIFICATE-----",
    "ssl.keystore.key": KEY,
    "ssl.key.password": "key-pass",
    "max.poll.records": "7",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "settings.json"
    given = {
        **{"kafka": "broker:9093", "kafka_options": OPTIONS, "topic_prefix": "shop", "sink": "dual", "run_id": "1"},
        "redis": {"url": "rediss://me:p%40ss%2Fword@host:6380/0", "nodes": [], "cluster": False, "ca": None},
        **{"offline_root": "/o", "checkpoint": "/c", "dead_letters": "/d", "stop_file": "/s", "report": None},
        **{
            "continuous": False,
            "trigger_interval": "",
            "max_batch_records": 1000,
            "mode": "micro-batch",
            "features_topic": None,
            "realtime_batch": "",
            "nothing_to_read": False,
            "on_fail": "fail",
            "backfill": None,
            "plan": None,
        },
    }
    path.write_text(json.dumps(given))
    found = read_settings(str(path))
    assert isinstance(found, Settings)
    return found


class Reader:
    """In the place of Spark's, which does not tell what it was given."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def format(self, _: str) -> "Reader":
        return self

    def option(self, name: str, value: Any) -> "Reader":
        self.given[name] = value
        return self

    def options(self, **given: Any) -> "Reader":
        self.given |= given
        return self

    def load(self) -> "Reader":
        return self


class Session:
    def __init__(self) -> None:
        self.read = self.readStream = Reader()
        self.sparkContext = self
        self.defaultParallelism = 2


@pytest.mark.parametrize("streaming", [True, False])
def test_kafka_gets_its_properties_with_every_read(settings: Settings, streaming: bool) -> None:
    spark: Any = Session()
    if streaming:
        change_log(spark, customer_features.FEATURE_SET, settings.kafka_source, "shop", 1000)
    else:
        records_of(spark, settings.kafka_source, Batch(0, {}, {"t": {"0": 1}}, 0))
    expected = {f"kafka.{name}": value for name, value in OPTIONS.items()} | {"kafka.bootstrap.servers": "broker:9093"}
    assert {name: spark.read.given.get(name) for name in expected} == expected


def test_failures_are_told_without_secrets(settings: Settings) -> None:
    secrets = ["p@ss/word", "p%40ss%2Fword", 'jaas"secret', 'jaas\\"secret', "MIIabc", "key-pass"]
    told = f'{settings.redis.url} {OPTIONS} {json.dumps(OPTIONS)} p@ss/word jaas"secret {KEY}'
    for text in (told, f"Traceback (most recent call last):\n  File x\n{told}\nValueError: {told}"):
        try:
            raise ValueError(text)
        except ValueError as error:
            shown = json.dumps(describe(error, settings.secrets))
        assert [secret for secret in secrets if json.dumps(secret)[1:-1] in shown or secret in shown] == []
        assert "SCRAM-SHA-512" in shown
        assert "***@host:6380" in shown
    assert "key-pass" not in repr(settings)
    assert "word" not in repr(settings)


def test_a_redis_without_a_password_has_no_secret() -> None:
    assert Redis("redis://127.0.0.1:6379/0").ca is None
    base = {"kafka": "", "kafka_options": {}, "redis": Redis("redis://127.0.0.1:6379/0")}
    rest = dict.fromkeys(Settings.__dataclass_fields__.keys() - base.keys())
    assert Settings(**base, **rest).secrets == []  # type: ignore[arg-type]


@pytest.fixture
def redacting(spark: SparkSession) -> Iterator[SparkSession]:
    yield spark
    spark.conf.unset("spark.sql.redaction.string.regex")


@pytest.mark.spark
@pytest.mark.parametrize(
    "password",
    [
        "TAIL",
        "ab)TAIL",
        "a]TAIL",
        "a, TAIL=1",
        "a, kafka.TAIL -> 1",
        'a"TAIL',
        "a\\TAIL",
        " TAIL ",
        "a\nTAIL",
        "ü😀TAIL",
    ],
)
def test_sparks_plans_show_no_secrets(
    redacting: SparkSession, settings: Settings, tmp_path: Path, password: str
) -> None:
    """A source by files prints its options as Kafka's does, and needs no connector."""
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    own = {"sasl.jaas.config": f'x.Y required password="{quoted}" TAIL;', "ssl.key.password": password}
    own |= {"ssl.keystore.password": password, "ssl.truststore.password": password}
    settings = replace(settings, kafka_options={**OPTIONS, **own})
    redact(redacting, settings.secret_options)
    source = settings.kafka_source
    shown = ""
    # Each option is the last once.
    for name in source:
        given = {**{other: source[other] for other in source if other != name}, name: source[name]}
        for reader in (redacting.readStream, redacting.read):
            frame = reader.schema("value string").options(**given).json(str(tmp_path))
            shown += frame._jdf.queryExecution().toString()
    assert "SCRAM-SHA-512" in shown
    assert [secret for secret in ("TAIL", "MIIabc") if secret in shown] == []
    # Spark tells its event log the pattern.
    assert "TAIL" not in str(redacting.conf.get("spark.sql.redaction.string.regex"))


@pytest.mark.spark
def test_sparks_option_maps_show_no_secrets(spark: SparkSession, settings: Settings) -> None:
    jvm: Any = spark.sparkContext._jvm
    session: Any = spark._jsparkSession
    given = jvm.org.apache.spark.api.python.PythonUtils.toScalaMap(settings.kafka_source)
    redacted = session.sessionState().conf().redactOptions(given).toString()
    assert [secret for secret in ("jaas\\", "MIIabc", "key-pass") if secret in redacted] == []
    assert "SCRAM-SHA-512" in redacted
