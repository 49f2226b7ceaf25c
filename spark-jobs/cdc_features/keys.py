"""The names of the two Redis hashes of an entity, which stand in one slot of a cluster.

The features hash has the name that readers know; beside it stands its companion with the windows. A name in braces
alone decides on the slot; where the braces cannot hold the features key, they hold a number of the same slot.
"""

import functools
import itertools

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

_WINDOWS = ":windows"


def windows_key(features: str) -> str:
    """`{KEY}:windows`; for a KEY with a `}`, `{n}KEY:windows` with the least n of KEY's slot."""
    if "}" not in features:
        return f"{{{features}}}{_WINDOWS}"
    return f"{{{_numbers()[key_slot(features.encode())]}}}{features}{_WINDOWS}"


def features_key_of(windows: str) -> str | None:
    """The KEY that `windows_key` makes this of, None where it is no such name."""
    if not windows.endswith(_WINDOWS):
        return None
    inner = windows.removeprefix("{").removesuffix(_WINDOWS)
    features = inner.removesuffix("}") if inner.count("}") == 1 and inner.endswith("}") else inner.partition("}")[2]
    return features if features and windows_key(features) == windows else None


@functools.cache
def _numbers() -> list[int]:
    """The least number of each slot."""
    found: dict[int, int] = {}
    for number in itertools.count():
        found.setdefault(key_slot(str(number).encode()), number)
        if len(found) == REDIS_CLUSTER_HASH_SLOTS:
            return [found[slot] for slot in range(REDIS_CLUSTER_HASH_SLOTS)]
    raise AssertionError("a count has no end")
