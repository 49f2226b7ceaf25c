"""Features from a Debezium change stream: the library behind every rendered job.

A job declares a `FeatureSet` and builds a chain of transforms; everything that behaves (Kafka, decoding,
state, stores, checkpoints, progress) lives here. Only `job` and `settings` know the environment.
"""
