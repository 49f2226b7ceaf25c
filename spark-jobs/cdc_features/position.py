"""A place in the database's log."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Position:
    """A version of a row, or of a whole table when it was truncated, in the order that debezium.py gives them."""

    commit_lsn: int
    lsn: int
    rank: int

    @property
    def sql(self) -> str:
        return f"named_struct('commit_lsn', {self.commit_lsn}L, 'lsn', {self.lsn}L, 'rank', {self.rank})"
