"""A case reaches a chat group, a webhook and a real process's shell: real processes, HTTPS."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from backports import zstd

from checks.wire import encode
from tests.fakes.batches import POLICY, connection, health, network
from tests.fakes.mailserver import free_port as port_of_nobody
from tests.fakes.webhooks import Posted, Robot, answering
from tests.free_port import free_port
from tests.sender import RealCollector
from tests.support.certificates import make_authority
from tests.support.live import ROOT, until

CHANNELS = """
[[channels]]
name = "duty"
kind = "feishu"
url = "{url}/hook"
key_file = "{folder}/robot.key"
ca_file = "{folder}/authority.pem"
language = "en"

[[channels]]
name = "tickets"
kind = "json"
url = "{url}/tickets"
ca_file = "{folder}/authority.pem"

[[channels]]
name = "down"
kind = "syslog"
address = "127.0.0.1:{nobody}"
transport = "tcp"
"""


def taken(_got: Posted) -> tuple[int, bytes]:
    return 200, b'{"code":0,"msg":"success"}'


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[tuple[Robot, str]]:
    made = make_authority(tmp_path / "tls")
    (tmp_path / "authority.pem").write_bytes(made.certificate)
    (tmp_path / "robot.key").write_text("k-1\n")
    kept = Robot(taken)
    with answering(kept, made.server_pem) as url:
        yield kept, url


@pytest.fixture
def collector(tmp_path: Path, robot: tuple[Robot, str]) -> Iterator[RealCollector]:
    running = RealCollector(tmp_path, free_port())
    running.initialise()
    (tmp_path / "policy.toml").write_text(POLICY)
    running.command("policy", "apply", str(tmp_path / "policy.toml"))
    with running.config.open("a") as settings:
        settings.write(CHANNELS.format(url=robot[1], folder=tmp_path, nobody=port_of_nobody()))
    running.start()
    try:
        with running.client() as client:
            running.wait(client)
        yield running
    finally:
        running.stop()


def known_channels(collector: RealCollector) -> int:
    with closing(sqlite3.connect(collector.state / "store.sqlite3")) as store:
        return int(store.execute("SELECT count(*) FROM channels").fetchone()[0])


def violate(collector: RealCollector) -> None:
    with collector.client() as client:
        sender = collector.enrol(client, "nk3-pc-017")
        facts = (network(), health(), connection("203.0.113.9"))
        batch = sender.batch(len(facts))
        told = tuple(
            msgspec.structs.replace(seen, fact=fact)
            for seen, fact in zip(batch.observations, facts, strict=True)
        )
        body = zstd.compress(encode(msgspec.structs.replace(batch, observations=told)), 1)
        client.post("/agent/v1/batches", content=body, headers=sender.headers(body))


def test_a_case_reaches_every_channel_that_is_up(collector, robot):
    kept, _ = robot
    assert until(lambda: known_channels(collector) == 3)
    violate(collector)

    assert until(lambda: {got.path for got in kept.posted} == {"/hook/k-1", "/tickets"})

    told = {got.path: json.loads(got.body) for got in kept.posted}
    case = told["/tickets"]["case"]
    assert (case["rule"], told["/tickets"]["occasion"]) == ("EXT-01", "first")
    assert case["link"] == f"https://localhost:{collector.port}/cases/{case['id']}"
    title = told["/hook/k-1"]["card"]["header"]["title"]["content"]
    assert title.startswith("[Critical")
    assert "ConnectionRefusedError" not in collector.log()


def test_a_sample_says_that_it_is_one_and_what_the_receiver_answered(collector, robot):
    kept, _ = robot

    told = collector.command("channel", "test", "duty")
    refused = collector.command("channel", "test", "down", expect=1)
    unknown = collector.command("channel", "test", "nobody", expect=2)

    assert told == "feishu:duty: the sample was taken\n"
    sample = json.loads(kept.posted[0].body)["card"]["header"]["title"]["content"]
    assert sample == "[Test of an alert channel]"
    assert "syslog:down: ConnectionRefusedError" in refused
    assert "has no channel nobody; it has: duty, tickets, down" in unknown


def test_check_config_names_the_wrong_key(tmp_path: Path) -> None:
    settings = tmp_path / "collector.toml"
    settings.write_text('[[channels]]\nname = "duty"\nkind = "wecom"\n')

    done = subprocess.run(
        [sys.executable, "-m", "collector", "check-config", "--config", str(settings)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == 2
    assert "channels[0].key_file: missing" in done.stderr
