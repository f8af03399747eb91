"""Bad input against the really running collector: what it says, and that it keeps nothing."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import msgspec
import pytest
from backports import zstd

from checks.wire import EnrolRequest, encode
from tests.free_port import free_port
from tests.samples import NOW_US
from tests.sender import RealCollector, Sender

BATCHES = "/agent/v1/batches"


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCollector]:
    running = RealCollector(tmp_path_factory.mktemp("collector"), free_port())
    running.initialise()
    running.start()
    try:
        with running.client() as client:
            running.wait(client)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def client(collector: RealCollector) -> Iterator[httpx.Client]:
    with collector.client() as client:
        yield client


@pytest.fixture
def sender(
    collector: RealCollector, client: httpx.Client, request: pytest.FixtureRequest
) -> Sender:
    return collector.enrol(client, request.node.name[5:35])


def _stored(collector: RealCollector, sender: Sender) -> int:
    with closing(sqlite3.connect(collector.state / "journal.sqlite3")) as journal:
        query = "SELECT count(*) FROM entries WHERE kind = 'batch' AND agent = ?"
        count: int = journal.execute(query, (sender.agent,)).fetchone()[0]
    return count


def _refused(
    collector: RealCollector, sender: Sender, answer: httpx.Response, status: int, *words: str
) -> None:
    problem = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    for word in words:
        assert word in problem["detail"]
    assert _stored(collector, sender) == 0
    lines = [json.loads(line) for line in collector.log().splitlines()]
    told = [line for line in lines if line.get("agent") == sender.agent]
    assert told[-1]["event"] == "request refused"
    assert told[-1]["remote"] == "127.0.0.1"
    assert told[-1]["detail"] == problem["detail"]


def _send(
    client: httpx.Client, sender: Sender, body: bytes, *, encoding: str = "zstd"
) -> httpx.Response:
    return client.post(BATCHES, content=body, headers=sender.headers(body, encoding=encoding))


def test_a_good_batch_is_acknowledged_and_a_repeat_gets_the_same_answer(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    body = sender.seal(3)

    first, again = _send(client, sender, body), _send(client, sender, body)

    assert first.status_code == again.status_code == 200
    assert first.json()["last"] == again.json()["last"] == 3
    assert _stored(collector, sender) == 1


def test_a_wrong_token_enrols_nobody(client: httpx.Client) -> None:
    key = Sender(agent="").key.public_key().public_bytes_raw().hex()
    request = EnrolRequest(token="ww1.x.y.z", public_key=key, host="pc", machine="m")

    answer = client.post("/agent/v1/enrol", content=encode(request))

    assert answer.status_code == 401
    assert answer.json()["detail"] == "this collector made no such enrolment token"


def test_an_unsigned_batch_is_refused(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    body = sender.seal(3)
    headers = sender.headers(body)
    del headers["Wardwatch-Signature"]

    answer = client.post(BATCHES, content=body, headers=headers)

    _refused(collector, sender, answer, 401, "Wardwatch-Signature is missing")


def test_an_altered_batch_is_refused(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    headers = sender.headers(sender.seal(3))

    answer = client.post(BATCHES, content=sender.seal(4), headers=headers)

    _refused(collector, sender, answer, 401, "altered", sender.agent)


def test_an_unknown_agent_is_refused(client: httpx.Client) -> None:
    stranger = Sender(agent="nobody")

    answer = _send(client, stranger, stranger.seal(1))

    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:wardwatch:problem:unknown-agent"


def test_a_batch_of_10_mb_is_refused(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    answer = _send(client, sender, b"x" * 10_000_000)

    _refused(collector, sender, answer, 413, "10000000 bytes", "4194304")


def test_broken_json_is_refused(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    answer = _send(client, sender, b'{"protocol": 1, ', encoding="identity")

    _refused(collector, sender, answer, 422, "not JSON")


def test_a_fact_with_a_wrong_field_is_refused_whole_and_its_place_named(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    batch = msgspec.to_builtins(sender.batch(3))
    batch["observations"][2]["fact"]["source_port"] = "https"

    answer = _send(client, sender, json.dumps(batch).encode(), encoding="identity")

    _refused(collector, sender, answer, 422, "observations[2].fact.source_port")


def test_an_unknown_kind_is_kept_unread(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    batch = msgspec.to_builtins(sender.batch(3))
    batch["observations"][1]["fact"] = {"kind": "of_a_later_version", "x": 1}

    answer = _send(client, sender, zstd.compress(json.dumps(batch).encode()))

    assert answer.status_code == 200, answer.text
    assert _stored(collector, sender) == 1


def test_a_zip_bomb_is_refused_unopened(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    answer = _send(client, sender, zstd.compress(b" " * 500_000_000, 1))

    _refused(collector, sender, answer, 413, "unpacks to more than 33554432 bytes")


def test_deep_nesting_is_refused(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    answer = _send(client, sender, b"[" * 1_000_000, encoding="identity")

    _refused(collector, sender, answer, 422, "")


def test_a_number_no_database_can_hold_is_refused(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    body = encode(msgspec.structs.replace(sender.batch(1), last=10**30))

    answer = _send(client, sender, body, encoding="identity")

    _refused(collector, sender, answer, 422, "last")


def test_a_second_machine_under_the_same_identity_is_refused_and_both_are_named(
    collector: RealCollector, client: httpx.Client, sender: Sender
) -> None:
    assert _send(client, sender, sender.seal(3)).status_code == 200
    clone = Sender(agent=sender.agent, key=sender.key, machine="machine-b")

    answer = _send(client, clone, clone.seal(5))

    assert answer.status_code == 409
    assert "machine-a" in answer.json()["detail"]
    assert "machine-b" in answer.json()["detail"]
    assert _stored(collector, sender) == 1


def test_the_policy_of_an_agent_is_signed_and_stays_the_same(
    client: httpx.Client, sender: Sender
) -> None:
    path = "/agent/v1/policy"
    date = time.time_ns() // 1000
    first = client.get(path, headers=sender.request_headers(path, date))
    headers = {**sender.request_headers(path, date), "If-None-Match": first.headers["etag"]}

    assert first.status_code == 200
    assert first.json()["endpoint"]["id"] == sender.agent
    assert client.get(path, headers=headers).status_code == 304
    stale = client.get(path, headers=sender.request_headers(path, NOW_US // 2))
    assert stale.status_code == 401


def test_a_policy_with_an_unknown_key_is_refused_with_what_was_meant(
    collector: RealCollector,
) -> None:
    wrong = collector.folder / "wrong.toml"
    wrong.write_text('[hospital]\nphonne = "8120"\n')

    said = collector.command("policy", "apply", str(wrong), expect=2)

    assert "unknown key hospital.phonne; did you mean phone?" in said
    assert collector.command("policy", "show").startswith("# version 1\n")
