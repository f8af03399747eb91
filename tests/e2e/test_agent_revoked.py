"""Trust in one agent is ended from a shell while the collector runs: real processes, HTTPS."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest
from backports import zstd

from checks.facts import Fact
from checks.wire import encode
from tests.fakes.batches import POLICY, connection, health, network
from tests.free_port import free_port
from tests.sender import RealCollector, Sender
from tests.support.live import ROOT, until

BATCHES = "/agent/v1/batches"
POLICY_PATH = "/agent/v1/policy"
REASON = "被盗 (stolen)"


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[RealCollector]:
    running = RealCollector(tmp_path, free_port())
    running.initialise()
    (tmp_path / "policy.toml").write_text(POLICY)
    running.command("policy", "apply", str(tmp_path / "policy.toml"))
    running.start()
    try:
        with running.client() as client:
            running.wait(client)
        yield running
    finally:
        running.stop()


@pytest.fixture
def client(collector: RealCollector) -> Iterator[httpx.Client]:
    with collector.client() as client:
        token = collector.command("token", "create", "test", "--role", "officer").split()[-1]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def say(client: httpx.Client, sender: Sender, *facts: Fact) -> httpx.Response:
    batch = sender.batch(len(facts))
    told = tuple(
        msgspec.structs.replace(seen, fact=fact)
        for seen, fact in zip(batch.observations, facts, strict=True)
    )
    body = zstd.compress(encode(msgspec.structs.replace(batch, observations=told)), 1)
    answer = client.post(BATCHES, content=body, headers=sender.headers(body))
    if answer.status_code == 200:
        sender.took(body, len(facts))
    return answer


def cases(client: httpx.Client) -> list[tuple[str, str, str]]:
    found = client.get("/api/v1/cases").json()["cases"]
    return [(each["rule"], each["state"], each["endpoint"]["id"]) for each in found]


def endpoint_states(client: httpx.Client) -> dict[str, str]:
    found = client.get("/api/v1/endpoints").json()["endpoints"]
    return {each["id"]: each["state"] for each in found}


def refused(answer: httpx.Response, agent: str) -> None:
    told = answer.json()
    assert (answer.status_code, told["type"]) == (403, "urn:wardwatch:problem:revoked-agent")
    assert told["detail"] == f"agent {agent} may not send any more; enrol it anew"


def test_what_a_revoked_agent_sends_is_refused_and_its_open_cases_stay(
    collector: RealCollector, client: httpx.Client
) -> None:
    thief, other = collector.enrol(client, "NK3-PC-017"), collector.enrol(client, "NK3-PC-018")
    assert say(client, thief, network(), health(), connection()).status_code == 200
    assert say(client, other, network(), health()).status_code == 200
    until(lambda: len(cases(client)) == 1, seconds=20, told="a case is open")
    opened = cases(client)

    told = collector.command("agents", "revoke", "NK3-PC-017", "--reason", REASON)
    answers = (
        say(client, thief, connection("203.0.113.10")),
        client.get(
            POLICY_PATH,
            headers=thief.request_headers(POLICY_PATH, time.time_ns() // 1000),
        ),
    )
    until(
        lambda: endpoint_states(client)[thief.agent] == "revoked",
        seconds=20,
        told="the endpoint is shown as revoked",
    )

    assert told == f"revoked {thief.agent}\n"
    refused(answers[0], thief.agent)
    assert say(client, other, health()).status_code == 200
    assert cases(client) == opened
    assert endpoint_states(client)[other.agent] == "online"
    until(lambda: written_down(collector, thief), seconds=20, told="the refusal is written down")
    assert "0 faults" in collector.command("verify")


def written_down(collector: RealCollector, sender: Sender) -> bool:
    with closing(sqlite3.connect(collector.state / "journal.sqlite3")) as journal:
        asked = "SELECT count(*) FROM refusals WHERE agent = ? AND problem = 'revoked-agent'"
        return bool(journal.execute(asked, (sender.agent,)).fetchone()[0])


def test_who_revoked_it_and_why_is_told_to_the_auditor(
    collector: RealCollector, client: httpx.Client
) -> None:
    sender = collector.enrol(client, "NK3-PC-017")
    collector.command("agents", "revoke", sender.agent, "--reason", REASON, "--actor", "wang")
    until(
        lambda: endpoint_states(client).get(sender.agent) == "revoked",
        seconds=20,
        told="the endpoint is shown as revoked",
    )

    with closing(sqlite3.connect(collector.state / "journal.sqlite3")) as journal:
        asked = "SELECT body FROM entries WHERE kind = 'trust' AND agent = ?"
        [(body,)] = journal.execute(asked, (sender.agent,)).fetchall()
    holes = client.get(f"/api/v1/endpoints/{sender.agent}").json()["coverage_holes"]

    assert msgspec.json.decode(body) == {"actor": "wang", "reason": REASON}
    assert [hole["detail"] for hole in holes if hole["cause"] == "revoked"] == [f"wang: {REASON}"]
    assert f"{sender.agent}\trevoked 20" in collector.command("agents", "list")


def test_a_machine_that_is_trusted_again_enrols_anew_under_another_name(
    collector: RealCollector, client: httpx.Client
) -> None:
    before = collector.enrol(client, "NK3-PC-017")
    collector.command("agents", "revoke", before.agent, "--reason", REASON)

    after = collector.enrol(client, "NK3-PC-017")

    assert (before.agent, after.agent) == ("nk3-pc-017", "nk3-pc-017-2")
    assert say(client, after, network(), health()).status_code == 200
    refused(say(client, before, health()), before.agent)
    assert collector.command("agents", "revoke", "NK3-PC-017", "--reason", REASON) == (
        f"revoked {after.agent}\n"
    )


def test_what_cannot_be_revoked_is_said_and_nothing_is_changed(
    collector: RealCollector, client: httpx.Client
) -> None:
    sender = collector.enrol(client, "NK3-PC-017")
    revoke = [sys.executable, "-m", "collector", "agents", "revoke", sender.agent]

    unknown = collector.command("agents", "revoke", "nobody", "--reason", REASON, expect=1)
    blank = collector.command("agents", "revoke", sender.agent, "--reason", " ", expect=1)
    without = subprocess.run(
        [*revoke, "--config", str(collector.config)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip

    assert "there is no agent nobody" in unknown
    assert "--reason: say why" in blank
    assert without.returncode == 2
    assert say(client, sender, health()).status_code == 200


def test_two_machines_of_one_name_are_told_apart_by_their_ids(
    collector: RealCollector, client: httpx.Client
) -> None:
    names = [collector.enrol(client, "NK3-PC-017").agent for _ in range(2)]

    told = collector.command("agents", "revoke", "NK3-PC-017", "--reason", REASON, expect=1)

    assert f"give one of {', '.join(names)}" in told
