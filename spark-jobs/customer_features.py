"""Spending and recency of each customer over 30 days.

Rendered by cdc-features from features/customer.yaml (sha256 d5402f3f6355).
Edit the definition and run `cdc-features render customer`; changes made here are lost.
"""

from pyspark.sql import DataFrame

from cdc_features import debezium, job, state, windows
from cdc_features.expressions import divide, feature, greater, literal
from cdc_features.feature_set import Aggregated, Behavioural, Column, Derived, FeatureSet, Source, TumblingWindow

FEATURE_SET = FeatureSet(
    name="customer",
    entity=["customer_id"],
    source=Source(
        table="public.orders",
        primary_key=["order_id"],
        event_time="created_at",
        columns=[
            Column("order_id", "bigint"),
            Column("customer_id", "bigint"),
            Column("total_amount", "decimal(12,2)"),
            Column("created_at", "timestamp"),
        ],
    ),
    windows=[TumblingWindow("30 days", retention="30 days")],
    watermark="1 hour",
    features=[
        Aggregated("order_count_30d", "count"),
        Aggregated("total_spend_30d", "sum", column="total_amount"),
        Derived("avg_order_value_30d", divide(feature("total_spend_30d"), feature("order_count_30d")), digits=2),
        Behavioural("days_since_last_order", "recency", unit="days"),
        Derived("is_high_value", greater(feature("total_spend_30d"), literal("1000"))),
    ],
)


def build(events: DataFrame) -> DataFrame:
    """Kafka records in; out, per (customer_id, window) that changed, what its rows are folded to."""
    return (
        events.transform(debezium.row_changes(FEATURE_SET))
        .transform(windows.watermark(FEATURE_SET))
        .withColumn("window", windows.tumbling("event_time", "30 days"))
        .groupBy("entity", "window")
        .agg(state.fold(FEATURE_SET))
    )


if __name__ == "__main__":
    job.main(FEATURE_SET, build)
