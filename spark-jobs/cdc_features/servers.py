"""The servers of the online store: a single one, or the primaries of a Redis cluster.

redis-py knows a cluster's topology, but lets no script into its pipelines there; so each primary gets a pipeline of
its own, and what a failover or a moved slot turned away is sent again.
"""

import contextlib
import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import redis
from redis.backoff import ExponentialBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)
from redis.retry import Retry

from cdc_features.keys import windows_key
from cdc_features.settings import Redis

_TIMEOUT_SECONDS = 20
# A failover takes a node's timeout, which is 15 s unless it was set, and an election.
_PATIENCE_SECONDS = 60
_MOST_PAUSE_SECONDS = 2
_SCANS = 6
_KEYS_PER_SCAN = 1000
# Of 25 µs that an entity takes the server, 5 are the call; redis-py takes as long. All else waits for the call's end.
_ENTITIES_PER_CALL = 20

# All that either kind of client raises.
ERRORS = (RedisError, RedisClusterException)
_PASSING = (
    *(AskError, TryAgainError, ClusterDownError, ReadOnlyError, NoScriptError, redis.ConnectionError),
    *(redis.TimeoutError, RedisClusterException),
)

# What there is to do for an entity: a features key and changes of its windows: window, version, payload, window, …
Call = tuple[str, list[str]]
Failure = tuple[Call, Exception]


class Servers(Protocol):
    """One script, and all hashes; every method raises one of ERRORS where no server can be used."""

    # Calls that were sent again, for whatever reason a server had refused them.
    retries: int

    def run(self, calls: Sequence[Call], arguments: Sequence[str]) -> list[Failure]:
        """Runs the script for each key and its companion, with these arguments and the changes; those that failed."""

    def keys(self, pattern: str) -> Iterator[str]:
        """All keys of a pattern, some perhaps more than once."""

    def entries(self, key: str) -> dict[bytes, bytes]:
        """A hash's fields and values."""

    def fields(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """Of each key and field the value, None where there is none."""

    def close(self) -> None: ...


def connect(given: Redis, script: str) -> Servers:
    return _Cluster(given, script) if given.cluster else _Single(given, script)


class _Single:
    def __init__(self, given: Redis, script: str) -> None:
        self.retries = 0
        self._script = script
        self._client = redis.Redis.from_url(
            given.url,
            retry=Retry(ExponentialBackoff(cap=2, base=0.1), 5),
            retry_on_error=[redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError],
            **_options(given),
        )
        self._client.script_load(script)

    def run(self, calls: Sequence[Call], arguments: Sequence[str]) -> list[Failure]:
        failed = _pipelined(self._client, self._script, calls, arguments, per_call=_ENTITIES_PER_CALL)
        if not failed:
            return []
        self.retries += len(failed)
        # The server may have been restarted or have flushed its scripts between two pipelines.
        self._client.script_load(self._script)
        # One by one: the other entities of the call can be written, and which one cannot is known then.
        failed = _pipelined(self._client, self._script, [call for call, _ in failed], arguments)
        if any(isinstance(error, MovedError) for _, error in failed):
            raise RedisClusterException("it is a node of a Redis cluster, and the settings say a single server")
        return failed

    def keys(self, pattern: str) -> Iterator[str]:
        for key in self._client.scan_iter(match=pattern, count=_KEYS_PER_SCAN):
            yield key.decode()

    def entries(self, key: str) -> dict[bytes, bytes]:
        stored: Any = self._client.hgetall(key)
        return stored  # type: ignore[no-any-return]

    def fields(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return _fields(self._client.pipeline(transaction=False), wanted)

    def close(self) -> None:
        self._client.close()


class _Cluster:
    def __init__(self, given: Redis, script: str) -> None:
        self.retries = 0
        self._script = script
        options = parse_url(given.url)
        first = ClusterNode(options.pop("host"), options.pop("port", 6379))
        more = [ClusterNode(host, int(port)) for host, _, port in (node.rpartition(":") for node in given.nodes)]
        for name in ("db", "connection_class"):
            options.pop(name, None)
        if _is_encrypted(given):
            options["ssl"] = True
        self._cluster = RedisCluster(startup_nodes=[first, *more], **options, **_options(given))
        self._pipelines = ThreadPoolExecutor()
        self._load()

    def run(self, calls: Sequence[Call], arguments: Sequence[str]) -> list[Failure]:
        deadline, pause = time.monotonic() + _PATIENCE_SECONDS, 0.0
        failed = self._send(calls, arguments, {})
        while failed and all(_passes(error) for _, error in failed) and time.monotonic() < deadline:
            self.retries += len(failed)
            time.sleep(pause)
            pause = min(2 * pause + 0.1, _MOST_PAUSE_SECONDS)
            with contextlib.suppress(*_PASSING):  # The next try tells.
                self._look_again()
            failed = self._send([call for call, _ in failed], arguments, _asked(failed))
        return failed

    def _send(
        self, calls: Sequence[Call], arguments: Sequence[str], asked: dict[str, tuple[str, int]]
    ) -> list[Failure]:
        """`asked` are the nodes to which a slot is just moving, of keys that are there already."""
        failed: list[Failure] = []
        at: dict[tuple[str, bool], list[Call]] = defaultdict(list)
        nodes: dict[str, ClusterNode] = {}
        for call in calls:
            try:
                node = self._cluster.get_node(*asked[call[0]]) if call[0] in asked else None
                owner = node or self._cluster.get_node_from_key(call[0])
            except RedisClusterException as error:
                failed.append((call, error))
                continue
            assert owner is not None
            nodes[owner.name] = owner
            at[owner.name, node is not None].append(call)

        def send(place: tuple[str, bool]) -> list[Failure]:
            name, asking = place
            client = self._cluster.get_redis_connection(nodes[name])
            try:
                return _pipelined(client, self._script, at[place], arguments, asking=asking)
            except RedisError as error:
                return [(call, error) for call in at[place]]

        for some in self._pipelines.map(send, at):
            failed += some
        return failed

    def keys(self, pattern: str) -> Iterator[str]:
        """A key that moves meanwhile could be passed over, so all is looked through until no slot does."""
        for attempt in range(_SCANS):
            with contextlib.suppress(*_PASSING):
                before = self._layout()
                for node in self._cluster.get_primaries():
                    client = self._cluster.get_redis_connection(node)
                    for key in client.scan_iter(match=pattern, count=_KEYS_PER_SCAN):
                        yield key.decode()
                if before is not None and before == self._layout():
                    return
            time.sleep(min(2**attempt, 10))
            with contextlib.suppress(*_PASSING):
                self._look_again()
        raise ClusterDownError("nodes are down, or slots keep moving: not all keys could be found")

    def _layout(self) -> dict[str, Any] | None:
        """The slots of each primary, None while some are moving."""
        found: dict[str, Any] = {}
        for node in self._cluster.get_primaries():
            told: Any = self._cluster.get_redis_connection(node).execute_command("CLUSTER NODES")
            own = next(one for one in told.values() if "myself" in one["flags"])
            if own["migrations"]:
                return None
            found[own["node_id"]] = own["slots"]
        return found

    def entries(self, key: str) -> dict[bytes, bytes]:
        stored: Any = self._cluster.hgetall(key)
        return stored  # type: ignore[no-any-return]

    def fields(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return _fields(self._cluster.pipeline(), wanted)

    def close(self) -> None:
        self._pipelines.shutdown()
        self._cluster.close()

    def _look_again(self) -> None:
        self._cluster.nodes_manager.initialize()
        self._load()

    def _load(self) -> None:
        """A primary that cannot be reached gets the script once it, or the one in its place, can be."""
        for node in self._cluster.get_primaries():
            try:
                self._cluster.get_redis_connection(node).script_load(self._script)
            except RedisError as error:
                if not _passes(error):
                    raise


def _fields(pipeline: Any, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
    for key, field in wanted:
        pipeline.hget(key, field)
    found: list[bytes | None] = pipeline.execute()
    return found


def _passes(error: Exception) -> bool:
    """Whether an error may be gone when the cluster has settled."""
    return isinstance(error, _PASSING) and not isinstance(error, AuthenticationError | AuthorizationError)


def _asked(failed: Iterable[Failure]) -> dict[str, tuple[str, int]]:
    return {
        key: (error.host, error.port)
        for (key, _), error in failed
        if isinstance(error, AskError) and not isinstance(error, MovedError)
    }


def _pipelined(
    client: "redis.Redis",
    script: str,
    calls: Sequence[Call],
    arguments: Sequence[str],
    *,
    asking: bool = False,
    per_call: int = 1,
) -> list[Failure]:
    """Runs the script with up to `per_call` of the calls at once, which then fail together."""
    digest = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    pipeline = client.pipeline(transaction=False)
    groups = [calls[i : i + per_call] for i in range(0, len(calls), per_call)]
    for group in groups:
        if asking:
            pipeline.execute_command("ASKING")
        keys = [name for key, _ in group for name in (key, windows_key(key))]
        changes = [part for _, change in group for part in (str(len(change) // 3), *change)]
        pipeline.evalsha(digest, len(keys), *keys, *arguments, *changes)
    results: list[Any] = pipeline.execute(raise_on_error=False)
    if asking:
        results = results[1::2]
    told = zip(groups, results, strict=True)
    return [(call, result) for group, result in told if isinstance(result, Exception) for call in group]


def _options(given: Redis) -> dict[str, Any]:
    timeouts = {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS}
    if not _is_encrypted(given):
        return timeouts
    # Not every version of redis-py verifies by itself.
    return {**timeouts, "ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_data": given.ca}


def _is_encrypted(given: Redis) -> bool:
    return given.url.startswith("rediss:")
