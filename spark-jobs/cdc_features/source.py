"""The change log: Debezium's topic of one table, read from its beginning and never past a gap."""

import json

from pyspark.sql import DataFrame, SparkSession

from cdc_features.checkpoint import Batch
from cdc_features.feature_set import FeatureSet

# Spark asks for both ends of the log with every poll.
_FETCH = {"kafka.max.poll.records": "10000", "kafka.max.partition.fetch.bytes": str(8 << 20)}
# A micro-batch goes on elsewhere than where its consumer is still waiting for more, half a second unless told.
_NO_WAITING = {"kafka.fetch.max.wait.ms": "20"}

# A second task on a partition of the topic has a consumer of its own, which has not read ahead.
_RECORDS_PER_TASK = 50_000


def change_log(
    spark: SparkSession,
    feature_set: FeatureSet,
    kafka: dict[str, str],
    topic_prefix: str,
    max_batch_records: int | None,
    *,
    continuous: bool = False,
) -> DataFrame:
    """A streaming frame of Kafka records: key, value, topic, partition, offset, timestamp; `max_batch_records` at a
    time, or, with None, as real-time mode takes them. What is there at once is read by all tasks that there can be; a
    query that is `continuous` takes what comes, and another task only for many records.

    `kafka` are the source's options that say where Kafka is and who asks. Records deleted before they were read fail
    the query (data would be lost without a word); the checkpoint decides where a later run goes on.
    """
    log = (
        spark.readStream.format("kafka")
        .option("subscribe", feature_set.source.topic(topic_prefix))
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        .options(**_FETCH | kafka)
    )
    if max_batch_records is not None:
        log = log.options(**_NO_WAITING | kafka).option("maxOffsetsPerTrigger", max_batch_records)
        if continuous:
            log = log.option("maxRecordsPerPartition", _RECORDS_PER_TASK)
        else:
            log = log.option("minPartitions", spark.sparkContext.defaultParallelism)
    return log.load()


def records_of(spark: SparkSession, kafka: dict[str, str], batch: Batch, *, from_the_start: bool = False) -> DataFrame:
    """The Kafka records of one batch once more, or all up to its end that are still there."""
    first: str = "earliest"
    if not from_the_start:
        first = json.dumps(
            {
                topic: {partition: batch.start.get(topic, {}).get(partition, 0) for partition in partitions}
                for topic, partitions in batch.end.items()
            }
        )
    return (
        spark.read.format("kafka")
        .option("subscribe", ",".join(batch.end))
        .option("startingOffsets", first)
        .option("endingOffsets", json.dumps(batch.end))
        .option("failOnDataLoss", "false")
        .options(**_FETCH | kafka)
        .load()
    )
