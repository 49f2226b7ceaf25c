"""A place in the database's log."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Position:
    """A version of a row, or of a whole table when it was truncated, in the order that debezium.py gives them."""

    commit_lsn: int
    lsn: int
    rank: int
