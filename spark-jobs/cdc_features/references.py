"""What outliers are measured by: the middle and the spread of a feature's values before.

Kept beside the history, in `_validation/<version of the first batch judged by it>.json`, so that a batch that is run
again is judged as it was, and `verify` can compute them a second time.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cdc_features.feature_set import FeatureSet
from cdc_features.offline import OfflineStore
from cdc_features.rules import Outlier

Floats = npt.NDArray[np.float64]

# A reference is renewed once the log has grown by a tenth, and by so many records at least.
_GROWTH = 0.1
_MOST_OFTEN = 100
# What makes a deviation's median, or its mean, one standard deviation where values are normal.
_OF_MEDIAN = 1.4826
_OF_MEAN = 1.253314


@dataclass(frozen=True)
class Reference:
    """Values from `low` to `high` are in the middle; distances from there are counted in `scale`s. Without enough
    values, or without any spread, there is none of them. `rule` is what it was taken for."""

    values: int
    low: float | None = None
    high: float | None = None
    scale: float | None = None
    rule: str = ""

    @property
    def is_usable(self) -> bool:
        return self.scale is not None

    def distance(self, value: float) -> float:
        assert self.low is not None
        assert self.high is not None
        assert self.scale is not None
        return max(self.low - value, value - self.high, 0.0) / self.scale


def reference_of(rule: Outlier, values: Floats) -> Reference:
    """Of the values of the rule's feature, without nulls."""
    nothing = Reference(len(values), rule=taken_for(rule))
    if len(values) < rule.min_history:
        return nothing
    low, middle, high = (float(value) for value in np.percentile(values, [25, 50, 75]))
    if rule.method == "quantiles":
        scale = high - low
    else:
        low = high = middle
        deviations = np.abs(values - middle)
        scale = _OF_MEDIAN * float(np.median(deviations)) or _OF_MEAN * float(np.mean(deviations))
    return Reference(len(values), low, high, scale, taken_for(rule)) if scale > 0 else nothing


def taken_for(rule: Outlier) -> str:
    """What of a rule decides by which values it measures, and how."""
    return f"{rule.feature} {rule.method} {rule.min_history}"


# The values of some features, as columns of doubles without nulls; of all rows, or of those of batches before one.
Values = Callable[[Sequence[str]], Mapping[str, Floats]]


class References:
    """All references of a set, as far as its batches needed some."""

    def __init__(self, feature_set: FeatureSet, store: OfflineStore) -> None:
        self._rules = [rule for rule in feature_set.validation if isinstance(rule, Outlier)]
        self._store = store
        self._known: dict[int, dict[str, Reference]] | None = None

    def of(self, version: int, history: Values, batch: Values) -> dict[str, Reference]:
        """By rule; taken anew, where it is time, from the `history` of the batches before, or of a rule for which
        that is too short from the `batch` itself."""
        if not self._rules:
            return {}
        if self.is_due(version):
            self._read()[version] = self._take(self.at(version), history, batch, version)
        return self.at(version)

    def at(self, version: int) -> dict[str, Reference]:
        """Those that were taken for the batch, or last before it."""
        newest = self._newest(version)
        return {} if newest is None else self._read()[newest]

    def is_due(self, version: int) -> bool:
        """Whether `of` takes some anew for a batch."""
        newest = self._newest(version) if self._rules else version
        if newest == version:
            return False
        # A rule may have come into the definition since, or have changed.
        known = {} if newest is None else self._read()[newest]
        is_complete = all(rule.name in known and known[rule.name].rule == taken_for(rule) for rule in self._rules)
        return newest is None or not is_complete or version >= newest + max(newest * _GROWTH, _MOST_OFTEN)

    def _newest(self, version: int) -> int | None:
        return max((first for first in self._read() if first <= version), default=None)

    def _take(
        self, before: Mapping[str, Reference], history: Values, batch: Values, version: int
    ) -> dict[str, Reference]:
        taken: dict[str, tuple[Literal["history", "batch", "before"], Reference]] = {}
        old = history([rule.feature for rule in self._rules])
        short = [rule for rule in self._rules if len(old[rule.feature]) < rule.min_history]
        new = batch([rule.feature for rule in short]) if short else {}
        for rule in self._rules:
            of_history = reference_of(rule, old[rule.feature])
            of_batch = reference_of(rule, new[rule.feature]) if rule in short else of_history
            last = before.get(rule.name)
            if rule not in short:
                taken[rule.name] = ("history", of_history)
            elif of_batch.values >= rule.min_history or last is None or last.rule != taken_for(rule):
                taken[rule.name] = ("batch", of_batch)
            else:
                taken[rule.name] = ("before", last)
        told = {name: {"of": of, **dataclasses.asdict(reference)} for name, (of, reference) in taken.items()}
        self._store.write_reference(version, json.dumps({"batch_id": version, "rules": told}))
        return {name: reference for name, (_, reference) in taken.items()}

    def _read(self) -> dict[int, dict[str, Reference]]:
        if self._known is None:
            self._known = {}
            for text in self._store.references():
                told: dict[str, Any] = json.loads(text)
                rules = {name: {k: v for k, v in one.items() if k != "of"} for name, one in told["rules"].items()}
                self._known[told["batch_id"]] = {name: Reference(**one) for name, one in rules.items()}
        return self._known
