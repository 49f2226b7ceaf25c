"""The cause of a failed run in a few lines: the Python error, not the JVM's stack around it."""

import json
import re
import traceback
from collections.abc import Sequence

_TRACEBACK = "Traceback (most recent call last):"
_JAVA_CAUSE = re.compile(r"^(?:Caused by)?: (?P<type>[\w.$]+): (?P<message>.*)$", re.MULTILINE)
_SPARK_PREFIX = re.compile(r"^\[STREAM_FAILED\].*?terminated with exception: ", re.DOTALL)


def describe(error: BaseException, secrets: Sequence[str] = ()) -> dict[str, str]:
    """`type`, `message` and `traceback` of an error; of the worker's where Spark only carries it along. Stars stand
    for `secrets`."""
    return {name: _without(secrets, value) for name, value in _told(error).items()}


def _without(secrets: Sequence[str], text: str) -> str:
    for secret in secrets:
        # Messages quote values, too.
        for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]):
            text = text.replace(form, "***")
    return text


def _told(error: BaseException) -> dict[str, str]:
    text = str(error)
    if _TRACEBACK in text:
        return _innermost(text[text.rindex(_TRACEBACK) :])
    stack = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    if causes := list(_JAVA_CAUSE.finditer(text)):
        cause = causes[-1]
        return {"type": cause["type"].rsplit(".", 1)[-1], "message": cause["message"], "traceback": stack}
    lines = _SPARK_PREFIX.sub("", text).strip().splitlines() or [""]
    shown = [line for line in lines if not line.startswith(("\tat ", "\t..."))]
    # What others have to say goes on with their own details.
    is_own = type(error).__module__.startswith("cdc_features.")
    return {
        "type": type(error).__name__,
        "message": "\n".join(shown) if is_own else shown[0],
        "traceback": stack,
    }


def _innermost(block: str) -> dict[str, str]:
    lines = block.splitlines()
    end = next((i for i, line in enumerate(lines[1:], 1) if line and not line[0].isspace()), len(lines) - 1)
    name, _, message = lines[end].partition(": ")
    return {"type": name.rsplit(".", 1)[-1], "message": message, "traceback": "\n".join(lines[: end + 1])}
