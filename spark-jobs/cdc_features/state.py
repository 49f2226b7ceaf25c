"""The state of a window: every version of its rows seen so far, as a set.

A set does not mind duplicates, and picking the highest version does not mind the order of arrival, so the
fold is exact however the log is replayed. Spark's watermark evicts a window's state as a whole.
"""

from pyspark.sql import Column as C
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def row_versions() -> C:
    """The aggregate `row_versions`: array of struct(key, version, gone, values)."""
    return F.collect_set("row").alias("row_versions")


def live_rows(groups: DataFrame) -> DataFrame:
    """Groups with `row_versions` in; out, `entity`, `window` and `rows`, the values of the rows that exist.

    A group that lost its last row stays, with an empty array: the stores have to learn of it.
    """
    # Sorted by (key, version), a version is its row's newest when the next element is another row's.
    by_version = groups.withColumn("row_versions", F.sort_array("row_versions"))
    newest = F.filter(
        "row_versions",
        lambda row, i: ~F.get("row_versions", i + 1)["key"].eqNullSafe(row["key"]) & ~row["gone"],
    )
    return by_version.select("entity", "window", F.transform(newest, lambda row: row["values"]).alias("rows"))
