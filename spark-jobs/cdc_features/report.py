"""What writing a batch came to."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cdc_features.position import Position

Example = dict[str, Any]


@dataclass
class Report:
    """What a pass did: entities written, duplicate records seen, the staged parts, some rows to show, the newest
    truncate among the groups, where the oldest window starts (micros since 1970), how many rows broke which rules, how
    many were kept from the stores, and their parts; calls of the online store that were sent again, and the rows that
    were served."""

    entities: int = 0
    duplicates: int = 0
    parts: list[str] = field(default_factory=list)
    base_parts: list[str] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    truncated: Position | None = None
    oldest_start: int | None = None
    violations: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    held_parts: list[str] = field(default_factory=list)
    retries: int = 0
    rows: int = 0
    # Rows that were not known so before, of those that tell what is known of them.
    changed: int = 0
    # When all rows could be read, seconds since 1970; and by phase of the batch, how long it took.
    readable_at: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def validation(self) -> dict[str, Any]:
        """For the manifest of a batch of a set with rules."""
        return {"quarantined": self.quarantined, "violations": self.violations}

    def add(self, task: dict[str, Any], part: str | None, base_part: str | None, held_part: str | None) -> None:
        self.entities += task["entities"]
        self.duplicates += task["duplicates"]
        self.parts += [part] if part else []
        self.base_parts += [base_part] if base_part else []
        self.held_parts += [held_part] if held_part else []
        self.violations.update(task["violations"])
        self.quarantined += task["quarantined"]
        self.retries += task["retries"]
        self.rows += task["rows"]
        self.changed += task["changed"]
        self.examples += task["examples"]
        if task["truncated"]:
            position = Position(**task["truncated"])
            self.truncated = max(self.truncated or position, position)
        self.oldest_start = oldest(task["oldest_start"], self.oldest_start)


def oldest(*starts: int | None) -> int | None:
    return min((start for start in starts if start is not None), default=None)
