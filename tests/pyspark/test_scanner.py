"""The scanner of Debezium's own JSON reads an event as the parser does, or leaves it to that."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

import customer_features
from cdc_features.debezium import classified
from cdc_features.feature_set import Column, FeatureSet, PointInTime

from conftest import order, records

pytestmark = pytest.mark.spark

CUSTOMER = customer_features.FEATURE_SET
# With a text, too.
FEATURE_SET = replace(
    CUSTOMER,
    source=replace(CUSTOMER.source, columns=[*CUSTOMER.source.columns, Column("status", "text")]),
    features=[*CUSTOMER.features, PointInTime("latest_status", "status")],
)

PLACES: list[Any] = ['[null,"29000000"]', '["28999000","29000000"]', '["",""]', None, "[]", '[ null, "29000000"]']
SPARE: list[Any] = [None, 0, -1.5e-7, 'é \\ " \n', {"a": [1, {"b": []}], "c": {}}, [[], [None, True]], False]
# What makes JSON something else, or nothing.
SPOILING = b'"\\{}[]:,0-+.eE \n\x00\x1f\x7fntfu9' + "é".encode() + b"\xff"


def envelopes() -> list[dict[str, Any]]:
    row = {**order(7, 5, 1999, "2026-11-20T10:00:00.000000Z"), "status": "new"}
    source = {"version": "3.3.2.Final", "ts_ms": 1795724052553, "schema": "public", "table": "orders", "lsn": 29000000}
    usual = {"before": None, "after": row, "source": source, "transaction": None, "op": "c", "ts_ms": 1795724052647}
    moved = {**row, "customer_id": 6, "status": "nué"}
    return [
        usual,
        {**usual, "op": "u", "before": row, "after": moved},
        {**usual, "op": "d", "before": row, "after": None},
        {**usual, "op": None},
        {**usual, "source": None},
        {**usual, "after": {**row, "total_amount": {"scale": 2, "value": "B88="}}},
        {**usual, "after": {**row, "status": 'a "quoted" \\ one'}},
        {**usual, "source": {**source, "table": "customers"}},
        {"schema": None, "payload": usual},
        {**usual, "schema": "public"},
        *({**usual, "source": {**source, "sequence": places}} for places in PLACES),
        *({**usual, "source": {**source, "lsn": lsn}} for lsn in (None, "29000001", 1.5, -3, 10**18, 10**19, True)),
        *({**usual, "after": {**row, "note": spare}, "transaction": spare} for spare in SPARE),
    ]


def events() -> list[bytes]:
    texts = [json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() for event in envelopes()]
    return [
        *texts,
        b"{}",
        b'{"op":"c","op":"d"}',
        texts[0] + b"\n",
        texts[0] + b"{}",
        b'{"ts_ms":01}',
        b'{"a":"\\u00e9"}',
    ]


def spoilt(event: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(event))
    one = bytes([dice.choice(SPOILING)])
    return dice.choice(
        [event[:at] + one + event[at + 1 :], event[:at] + one + event[at:], event[:at] + event[at + 1 :], event[:at]]
    )


def told(spark: SparkSession, feature_set: FeatureSet, values: list[bytes]) -> list[Row]:
    return (
        records(spark, list(values))
        .repartition(4)
        .transform(classified(feature_set))
        .orderBy("offset")
        .selectExpr("class", "reason", "to_json(changes)")
        .collect()
    )


def test_it_reads_what_the_parser_reads(spark: SparkSession) -> None:
    dice = random.Random(20261126)
    given = events()
    values = given + [spoilt(dice.choice(given), dice) for _ in range(20_000)]
    # Debezium never begins with a blank: this one is for the parser. Offsets are the versions of some.
    scanned, parsed = told(spark, FEATURE_SET, values), told(spark, FEATURE_SET, [b" " + value for value in values])
    differing = [pair for pair in zip(values, scanned, parsed, strict=True) if pair[1] != pair[2]]
    assert not differing, differing[:3]
    applied = sum(row["class"] == "applied" for row in scanned)
    assert 0.1 < applied / len(values) < 0.9
