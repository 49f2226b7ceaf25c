"""Declarations and durations; no Spark."""

import dataclasses

import pytest

import customer_features
from cdc_features.durations import interval, milliseconds


def test_lateness_is_watermark_plus_retention() -> None:
    assert customer_features.FEATURE_SET.lateness_allowed == "721 hours"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30 days", 2_592_000_000), ("1 hour", 3_600_000), ("90 seconds", 90_000), ("5 milliseconds", 5)],
)
def test_durations_and_back(text: str, expected: int) -> None:
    assert milliseconds(text) == expected
    assert interval(expected) == text


@pytest.mark.parametrize("text", ["", "days", "-1 days", "1 month", "1.5 hours"])
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        milliseconds(text)


def test_declarations_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        customer_features.FEATURE_SET.name = "other"  # type: ignore[misc]


def test_topic_of_a_table() -> None:
    assert customer_features.FEATURE_SET.source.topic("shop") == "shop.public.orders"
