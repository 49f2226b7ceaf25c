"""The online store on a real Redis cluster of three primaries: slots, a moved slot, a failover; and over TLS."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.cluster import RedisCluster
from redis.crc import key_slot
from test_job import NOVEMBER

import customer_features
from cdc_features import job, servers
from cdc_features.keys import features_key_of, windows_key
from cdc_features.online import Call, OnlineStoreError, OnlineWriter, drop_expired, empty_others
from cdc_features.refresh import refresh
from cdc_features.report import Report
from cdc_features.settings import Redis

from chain import Chain
from conftest import event, free_port, order, redis_server, wait_for

# What docs/clusters.md says that a user of Redis has to be allowed: on a single server, and in a cluster also.
_DOCS = (Path(__file__).parents[2] / "docs" / "clusters.md").read_text()
(RIGHTS, CLUSTER_RIGHTS) = re.findall(r"^(~\*:features\* .*)\n(\+cluster.*)$", _DOCS, re.MULTILINE)[0]
FEATURE_SET = customer_features.FEATURE_SET
DAY = 86_400
ENTITIES = ["5", "a}b", "{", "}", "{}", "{x}y", "{x}}", "}:windows", "ü{", "a{b}c{d}", *map(str, range(100, 3000))]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[redis.Redis]]:
    """Three primaries with a third of the slots each, and a replica of the first."""
    with contextlib.ExitStack() as stack:
        clients: list[redis.Redis] = []
        for _ in range(4):
            port = free_port()
            folder = tmp_path_factory.mktemp("node")
            cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]
            ports = ["--port", str(port), "--cluster-port", str(free_port())]
            stack.enter_context(redis_server(folder, *ports, *cluster, "--repl-diskless-sync-delay", "0"))
            clients.append(redis.Redis(port=port, decode_responses=True))
            wait_for(clients[-1])
        bounds = [0, 5461, 10923, 16384]
        for number, client in enumerate(clients[:3]):
            client.execute_command("CLUSTER ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        bus = clients[0].execute_command("CLUSTER NODES")
        address = next(iter(bus)).rpartition(":")
        for client in clients[1:]:
            bus_port = client.config_get("cluster-port")["cluster-port"]
            clients[0].execute_command("CLUSTER MEET", address[0] or "127.0.0.1", port_of(client), bus_port)
        _until(lambda: all(len(client.execute_command("CLUSTER NODES")) == 4 for client in clients))
        clients[3].execute_command("CLUSTER REPLICATE", clients[0].execute_command("CLUSTER MYID"))
        _until(lambda: all(client.cluster("INFO")["cluster_state"] == "ok" for client in clients))
        _until(lambda: clients[3].info("replication")["master_link_status"] == "up")
        for client in clients:
            client.execute_command("ACL SETUSER", "features", "on", ">s3cret", *f"{RIGHTS} {CLUSTER_RIGHTS}".split())
        yield clients


def port_of(client: redis.Redis) -> int:
    return int(client.connection_pool.connection_kwargs["port"])


def _until(holds: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


@pytest.fixture
def given(nodes: list[redis.Redis]) -> Redis:
    """With a user who may do what is documented and nothing else. The first node that is named is none."""
    for client in nodes:
        if client.info("replication")["role"] == "master":
            client.flushall()
    return Redis(
        "redis://features:s3cret@127.0.0.1:1/0", [f"127.0.0.1:{port_of(client)}" for client in nodes], cluster=True
    )


@pytest.fixture
def cluster(nodes: list[redis.Redis]) -> Iterator[RedisCluster]:
    client = RedisCluster("127.0.0.1", port_of(nodes[1]), decode_responses=True)
    yield client
    client.close()


def change(entity: str, version: int, start: int = DAY, **fields: str) -> Call:
    payload = json.dumps([part for item in fields.items() for part in item]) if fields else ""
    return key(entity), [f"{start:012d}", f"{version:020d}", payload]


def key(entity: str) -> str:
    return f"{FEATURE_SET.name}:{entity}:features"


def write(given: Redis, *calls: Call) -> None:
    writer = OnlineWriter(given, 0)
    try:
        writer.write(calls)
        writer.flush()
    finally:
        writer.close()


@pytest.mark.parametrize("entity", ENTITIES[:11])
def test_companions_stand_in_the_slot_of_their_keys(entity: str) -> None:
    companion = windows_key(key(entity))
    assert key_slot(companion.encode()) == key_slot(key(entity).encode())
    assert features_key_of(companion) == key(entity)


def test_companions_have_the_names_that_the_typescript_side_knows() -> None:
    assert windows_key("customer:5:features") == "{customer:5:features}:windows"
    assert windows_key("customer:{:features") == "{customer:{:features}:windows"
    assert windows_key("customer:a}b:features") == "{9556}customer:a}b:features:windows"
    assert windows_key("customer:{x}y:features") == "{5300}customer:{x}y:features:windows"
    for no_companion in ("x:windows", "{a}b:windows", "{1}a}:windows", "{}:windows", "{1}customer:5:features:windows"):
        assert features_key_of(no_companion) is None


def test_every_primary_gets_its_keys(given: Redis, nodes: list[redis.Redis], cluster: RedisCluster) -> None:
    write(given, *(change(entity, 1, count=entity) for entity in ENTITIES))
    assert {entity for entity in ENTITIES if cluster.hget(key(entity), "count") != entity} == set()
    sizes = [client.dbsize() for client in nodes[:3]]
    assert sum(sizes) == 2 * len(ENTITIES)
    assert min(sizes) > 1500


def test_single_servers_have_the_same_keys(redis_url: str, online: redis.Redis) -> None:
    write(Redis(redis_url), *(change(entity, 1, count=entity) for entity in ENTITIES[:20]))
    assert set(online.keys("*")) == {
        name for entity in ENTITIES[:20] for name in (key(entity), windows_key(key(entity)))
    }
    drop_expired(FEATURE_SET, Redis(redis_url), 2 * DAY)
    assert online.keys("*") == []


def test_all_companions_of_the_cluster_are_found(given: Redis, nodes: list[redis.Redis], cluster: RedisCluster) -> None:
    write(given, *(change(entity, 1, count="1") for entity in ENTITIES))
    write(given, change("5", 3, count="3"))
    empty_others(FEATURE_SET, given, 0, 2)
    assert [entity for entity in ENTITIES if cluster.exists(key(entity))] == ["5"]
    drop_expired(FEATURE_SET, given, 2 * DAY)
    assert [client.dbsize() for client in nodes[:3]] == [0, 0, 0]


def test_forgotten_scripts_are_loaded_again(given: Redis, nodes: list[redis.Redis], cluster: RedisCluster) -> None:
    writer = OnlineWriter(given, 0)
    for client in nodes[:3]:
        client.script_flush()
    writer.write([change(entity, 1, count="1") for entity in ENTITIES[:50]])
    writer.flush()
    writer.close()
    assert cluster.hget(key("5"), "count") == "1"


def test_a_slot_that_moves_while_it_is_written(given: Redis, nodes: list[redis.Redis], cluster: RedisCluster) -> None:
    """Entity 5 has moved and "new" has not been there yet when they are written; the slot's move ends meanwhile."""
    slot = key_slot(key("5").encode())
    source = next(client for client in nodes[:3] if _owns(client, slot))
    target = next(client for client in nodes[:3] if client is not source)
    new = next(str(n) for n in range(10**6, 10**7) if key_slot(key(str(n)).encode()) == slot)
    write(given, change("5", 1, count="1"))
    writer = OnlineWriter(given, 0)
    ids = [client.execute_command("CLUSTER MYID") for client in (source, target)]
    target.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", ids[0])
    source.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ids[1])
    keys = source.execute_command("CLUSTER GETKEYSINSLOT", slot, 100)
    assert set(keys) == {key("5"), windows_key(key("5"))}
    source.migrate("127.0.0.1", port_of(target), keys, 0, 5000)

    writer.write([change("5", 2, count="2")])
    writer.flush()

    def settle() -> None:
        time.sleep(1)
        for client in (target, source, *(other for other in nodes[:3] if other not in (source, target))):
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", ids[1])

    thread = threading.Thread(target=settle)
    thread.start()
    writer.write([change(new, 3, count="3"), *(change(entity, 3, count="3") for entity in ENTITIES[:200])])
    writer.flush()
    thread.join()
    writer.close()
    assert [cluster.hget(key(entity), "count") for entity in ("5", new)] == ["3", "3"]
    assert _owns(target, slot)


def _owns(client: redis.Redis, slot: int) -> bool:
    own = next(node for node in client.execute_command("CLUSTER NODES").values() if "myself" in node["flags"])
    return any(int(some[0]) <= slot <= int(some[-1]) for some in own["slots"])


def test_no_key_is_passed_over_while_slots_move(
    given: Redis, nodes: list[redis.Redis], monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = key_slot(key("7").encode())
    source = next(client for client in nodes[:3] if _owns(client, slot))
    target = next(client for client in nodes[:3] if client is not source)
    source.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", target.execute_command("CLUSTER MYID"))
    monkeypatch.setattr(servers, "_SCANS", 1)
    writer = OnlineWriter(given, 0)
    with pytest.raises(OnlineStoreError, match="slots keep moving"):
        list(writer.companions(FEATURE_SET))
    source.execute_command("CLUSTER SETSLOT", slot, "STABLE")
    assert list(writer.companions(FEATURE_SET)) == []
    writer.close()


def test_a_refused_write_is_not_tried_again(given: Redis, cluster: RedisCluster) -> None:
    cluster.set(windows_key(key("5")), "not a hash")
    started = time.monotonic()
    with pytest.raises(OnlineStoreError, match=r"refused to write customer:5:features: .*WRONGTYPE"):
        write(given, *(change(entity, 1, count="1") for entity in ENTITIES[:50]))
    assert time.monotonic() - started < 5


def test_a_cluster_that_is_taken_for_a_single_server_is_told(given: Redis) -> None:
    with pytest.raises(OnlineStoreError, match="cannot be written: it is a node of a Redis cluster"):
        write(Redis(f"redis://{given.nodes[1]}/0"), *(change(entity, 1, count="1") for entity in ENTITIES[:50]))


def test_a_cluster_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(OnlineStoreError, match=r"redis://127\.0\.0\.1:1/0 cannot be used: .*reachable") as error:
        OnlineWriter(Redis("redis://user:secret@127.0.0.1:1/0", ["127.0.0.1:2"], cluster=True), 0)
    assert "secret" not in str(error.value)


@pytest.mark.spark
def test_a_run_makes_good_what_a_failover_has_lost(
    chain: Chain,
    given: Redis,
    nodes: list[redis.Redis],
    cluster: RedisCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last test of this cluster: its first primary dies in a batch of which its replica got nothing."""
    customers = range(1, 5001)
    chain.log.produce(*(event("c", None, order(n, n, n, NOVEMBER), n) for n in customers))
    nodes[3].config_set("cluster-replica-validity-factor", 0)
    nodes[3].config_set("masterauth", "wrong")
    nodes[0].client_kill_filter(_type="replica")

    def fail() -> None:
        # More than is on its way at once, a third of a thousand calls of each task: the rest has been acknowledged.
        _until(lambda: nodes[0].dbsize() > 2000, 120)
        with contextlib.suppress(redis.ConnectionError):
            nodes[0].shutdown(nosave=True, now=True)

    lost: list[int] = []

    def refreshed(*arguments: Any, **named: Any) -> Report:
        lost.append(len(customers) - sum(client.dbsize() for client in nodes[1:]) // 2)
        return refresh(*arguments, **named)

    monkeypatch.setattr(job, "refresh", refreshed)
    thread = threading.Thread(target=fail)
    thread.start()
    chain.run(redis=given)
    thread.join()
    assert nodes[3].info("replication")["role"] == "master"
    assert lost[0] > 0
    spent = {n: f"{n / 100:.2f}" for n in customers}
    assert {n: cluster.hget(key(str(n)), "total_spend_30d") for n in customers} == spent
    writer = OnlineWriter(given, 0)
    assert set(writer.companions(FEATURE_SET)) == {key(str(n)) for n in customers}
    writer.close()


def _tls_server() -> str:
    """A server that speaks TLS: the one of the embedded stack was built without."""
    for name in ("redis-server", "valkey-server"):
        program = shutil.which(name)
        if program is None:
            continue
        tried = subprocess.run([program, "--tls-port", "1", "--port", "0"], capture_output=True, text=True, timeout=10)
        if "Failed finding TLS support" not in tried.stdout and "Bad directive" not in tried.stderr:
            return program
    pytest.skip("no Redis server with TLS on PATH: `apt-get install redis-server`")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem, one for localhost by that CA (server.pem, server.key), and the same of another CA (other.pem)."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for ca in ("ca", "other"):
        openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={ca}"),
            *("-keyout", f"{ca}.key", "-out", f"{ca}.pem"),
        )
    openssl(
        *("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=redis", "-keyout", "server.key", "-out", "server.csr")
    )
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    signed = ("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    openssl(*signed, "-days", "2", "-extfile", "names", "-out", "server.pem")
    return folder


@pytest.fixture(scope="module")
def encrypted(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A server that only speaks TLS, to a user who may do what is documented, and nothing else."""
    port, program = free_port(), _tls_server()
    folder = tmp_path_factory.mktemp("tls")
    users = folder / "users.acl"
    users.write_text(f"user default off\nuser features on >s3cret/%@ {RIGHTS}\n")
    options = [
        *("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no", "--aclfile", str(users)),
        *("--tls-cert-file", str(certificates / "server.pem"), "--tls-key-file", str(certificates / "server.key")),
        *("--tls-ca-cert-file", str(certificates / "ca.pem")),
    ]
    url = f"rediss://features:s3cret%2F%25%40@localhost:{port}/0"
    with redis_server(folder, *options, program=program):
        wait_for(redis.Redis.from_url(url, ssl_ca_certs=str(certificates / "ca.pem")))
        yield Redis(url, ca=(certificates / "ca.pem").read_text())


def test_tls_and_a_user_of_its_own(encrypted: Redis, certificates: Path) -> None:
    write(encrypted, change("5", 1, count="1"))
    client = redis.Redis.from_url(encrypted.url, ssl_ca_certs=str(certificates / "ca.pem"), decode_responses=True)
    assert client.hget(key("5"), "count") == "1"
    drop_expired(FEATURE_SET, encrypted, 2 * DAY)
    assert client.hgetall(key("5")) == {}


def test_a_server_is_verified(encrypted: Redis, certificates: Path) -> None:
    other = replace(encrypted, ca=(certificates / "other.pem").read_text())
    elsewhere = replace(encrypted, url=encrypted.url.replace("localhost", "127.0.0.1"))
    for wrong, reason in [
        (replace(encrypted, ca=None), "certificate verify failed"),
        (replace(other, cluster=True), "certificate verify failed"),
        (elsewhere, "IP address mismatch"),
        (replace(elsewhere, cluster=True), "IP address mismatch"),
        (replace(encrypted, url=encrypted.url.replace("s3cret", "other")), "invalid username-password pair"),
    ]:
        with pytest.raises(OnlineStoreError, match=reason) as error:
            OnlineWriter(wrong, 0)
        assert "s3cret" not in str(error.value)


def test_the_systems_cas_hold_where_none_is_given(
    encrypted: Redis, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    write(replace(encrypted, ca=None), change("6", 1, count="1"))
    assert os.environ["SSL_CERT_FILE"]
