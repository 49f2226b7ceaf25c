"""Sales of each product over 7 days.

Rendered by cdc-features from features/product.yaml (sha256 6c6c2d19175c).
Edit the definition and run `cdc-features render product`; changes made here are lost.
"""

from pyspark.sql import DataFrame

from cdc_features import debezium, job, state, windows
from cdc_features.expressions import divide, feature, literal
from cdc_features.feature_set import Aggregated, Column, Derived, FeatureSet, Source, TumblingWindow

FEATURE_SET = FeatureSet(
    name="product",
    entity=["product_id"],
    source=Source(
        table="public.orders",
        primary_key=["order_id"],
        event_time="created_at",
        columns=[
            Column("order_id", "bigint"),
            Column("product_id", "bigint"),
            Column("customer_id", "bigint"),
            Column("quantity", "integer"),
            Column("total_amount", "decimal(12,2)"),
            Column("created_at", "timestamp"),
        ],
    ),
    windows=[TumblingWindow("7 days", retention="7 days")],
    watermark="1 hour",
    features=[
        Aggregated("units_sold_7d", "sum", column="quantity"),
        Aggregated("revenue_7d", "sum", column="total_amount"),
        Aggregated("unique_customers_7d", "count_distinct", column="customer_id"),
        Derived("sales_per_day", divide(feature("units_sold_7d"), literal("7")), digits=2),
    ],
)


def build(events: DataFrame) -> DataFrame:
    """Kafka records in; out, per (product_id, window) that changed, what its rows are folded to."""
    return (
        events.transform(debezium.row_changes(FEATURE_SET))
        .transform(windows.watermark(FEATURE_SET))
        .withColumn("window", windows.tumbling("event_time", "7 days"))
        .groupBy("entity", "window")
        .agg(state.fold(FEATURE_SET))
    )


if __name__ == "__main__":
    job.main(FEATURE_SET, build)
