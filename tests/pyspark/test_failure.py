"""The one cause that is worth reading; no Spark."""

from cdc_features.failure import describe
from cdc_features.validation import ValidationError

WORKER = """Job aborted due to stage failure: Task 0 in stage 1.0 failed 1 times: Traceback (most recent call last):
  File "redis/connection.py", line 1, in connect
    raise ConnectionError(error)
redis.exceptions.ConnectionError: Error 111

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "cdc_features/online.py", line 9, in write
    raise OnlineStoreError(reason)
cdc_features.online.OnlineStoreError: Redis at redis://127.0.0.1:1/0 cannot be used: Error 111

\tat org.apache.spark.api.python.BasePythonRunner.read(PythonRunner.scala:1)
\t... 3 more
"""


def test_the_workers_last_error_is_the_cause() -> None:
    cause = describe(RuntimeError(WORKER))
    assert cause["type"] == "OnlineStoreError"
    assert cause["message"] == "Redis at redis://127.0.0.1:1/0 cannot be used: Error 111"
    assert cause["traceback"].startswith("Traceback")
    assert "org.apache" not in cause["traceback"]


JAVA = """An error occurred while calling o380.collectToPython.
: org.apache.spark.SparkException: [CANNOT_LOAD_STATE_STORE] An error occurred during loading state.
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.cannotLoadStore(QueryExecutionErrors.scala:1)
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
\t... 12 more
"""


def test_the_innermost_java_error_is_the_cause_where_no_python_error_is() -> None:
    cause = describe(RuntimeError(JAVA))
    assert (cause["type"], cause["message"]) == ("IOException", "No space left on device")
    cause = describe(RuntimeError(JAVA[: JAVA.index("Caused by")]))
    assert cause["type"] == "SparkException"
    assert cause["message"].startswith("[CANNOT_LOAD_STATE_STORE]")


def test_an_error_of_the_driver_is_told_as_it_is() -> None:
    try:
        raise ValueError("no such setting\nsecond line")
    except ValueError as error:
        cause = describe(error)
    assert (cause["type"], cause["message"]) == ("ValueError", "no such setting")
    assert "test_failure.py" in cause["traceback"]


def test_an_error_of_our_own_is_told_whole() -> None:
    assert describe(ValidationError("nothing was written:\n  positive: 1 row"))["message"].endswith("positive: 1 row")
