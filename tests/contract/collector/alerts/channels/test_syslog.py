"""Syslog against a real rsyslogd: what it received, as it took it apart."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from collector.alerts.channels.settings import ChannelSettings
from collector.alerts.channels.syslog import SyslogAdapter
from tests.fakes.mailserver import free_port
from tests.support.certificates import make_authority
from tests.support.notices import a_notice, hostile_notice

pytestmark = pytest.mark.skipif(
    shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin") is None,
    reason="rsyslogd is not installed",
)
STARTS_WITHIN_S = 15.0

CONFIG = """
global(workDirectory="{folder}"
  defaultNetstreamDriverCAFile="{authority}"
  defaultNetstreamDriverCertFile="{server}"
  defaultNetstreamDriverKeyFile="{server}")
module(load="imudp")
module(load="imptcp")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="parts" type="list" option.jsonf="on") {{
  property(outname="pri" name="pri" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="sd" name="structured-data" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}}
ruleset(name="kept") {{ action(type="omfile" file="{pipe}" template="parts") }}
input(type="imudp" address="127.0.0.1" port="{udp}" ruleset="kept")
input(type="imptcp" address="127.0.0.1" port="{tcp}" ruleset="kept")
input(type="imtcp" address="127.0.0.1" port="{tls}" ruleset="kept")
"""


class Received(NamedTuple):
    """`next` waits for the next message that the receiver wrote, taken apart."""

    ports: dict[str, int]
    authority: Path
    lines: Iterator[str]

    def next(self) -> dict[str, str]:
        return json.loads(next(self.lines))

    def channel(self, transport: str, form: str, **more: object) -> ChannelSettings:
        return ChannelSettings(
            name="siem",
            kind="syslog",
            address=f"127.0.0.1:{self.ports[transport]}",
            transport=transport,
            form=form,
            timeout_s=5.0,
            **{"ca_file": str(self.authority) if transport == "tls" else "", **more},
        )


@pytest.fixture(scope="module")
def receiver(tmp_path_factory) -> Iterator[Received]:
    folder = tmp_path_factory.mktemp("rsyslog")
    made = make_authority(folder)
    authority, server = folder / "authority.pem", made.server_pem
    authority.write_bytes(made.certificate)
    ports = {name: free_port() for name in ("udp", "tcp", "tls")}
    pipe = folder / "messages"
    os.mkfifo(pipe)
    (folder / "rsyslog.conf").write_text(
        CONFIG.format(folder=folder, authority=authority, server=server, pipe=pipe, **ports)
    )
    daemon = subprocess.Popen(
        ["rsyslogd", "-n", "-f", folder / "rsyslog.conf", "-i", folder / "pid"],
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"},
    )
    try:
        _await_listening(daemon, [ports["tcp"], ports["tls"]])
        # Held open for writing, too, so that the end of one writer is no end of the file.
        with os.fdopen(os.open(pipe, os.O_RDWR), encoding="utf-8") as lines:
            yield Received(ports, authority, lines)
    finally:
        daemon.terminate()
        daemon.wait(10)


def _await_listening(daemon: subprocess.Popen[bytes], ports: list[int]) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    patience = threading.Event()
    waiting = list(ports)
    while waiting:
        assert daemon.poll() is None, "rsyslogd ended"
        assert time.monotonic() < until, f"nobody listens at {waiting}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", waiting[0])) == 0:
                waiting.pop(0)
                continue
        patience.wait(0.05)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_notice_is_taken_apart_as_it_was_put_together(receiver, transport):
    delivered = SyslogAdapter(receiver.channel(transport, "rfc5424")).deliver(a_notice())

    got = receiver.next()
    assert delivered.delivered == ("syslog:siem",)
    assert (got["pri"], got["app"], got["msgid"]) == ("106", "wardwatch", "first")
    assert got["host"] == socket.gethostname()
    assert got["sd"].startswith('[wardwatch@32473 key="EXT-01-K5XQ2T7A:first@duty"')
    assert got["msg"].lstrip("\ufeff").startswith("[紧急 · 违规外联] 内科三病区 NK3-PC-017")


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_octets_are_counted_so_that_one_message_is_never_two(receiver, transport):
    adapter = SyslogAdapter(receiver.channel(transport, "ocsf"))

    adapter.deliver(hostile_notice())
    adapter.deliver(a_notice(case="EXT-01-AAAAAAAA"))

    first, second = (json.loads(receiver.next()["msg"].lstrip("\ufeff")) for _ in range(2))
    assert first["class_uid"] == 2004
    assert second["finding_info"]["uid"] == "EXT-01-AAAAAAAA"


def test_cef_arrives_whole(receiver):
    SyslogAdapter(receiver.channel("tcp", "cef")).deliver(a_notice(endpoint="a=b|c"))

    got = receiver.next()
    assert got["msg"].lstrip("\ufeff").startswith("CEF:0|Wardwatch|Wardwatch|")
    assert "dhost=a\\=b|c " in got["msg"]
    assert got["sd"] == "-"


def test_a_receiver_that_is_not_trusted_is_told_nothing(receiver):
    channel = receiver.channel("tls", "rfc5424", ca_file="")

    receipt = SyslogAdapter(channel).deliver(a_notice())

    assert "certificate verify failed" in receipt.later["syslog:siem"]


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_nobody_there_means_later(transport):
    channel = ChannelSettings(
        name="siem",
        kind="syslog",
        address=f"127.0.0.1:{free_port()}",
        transport=transport,
        timeout_s=2.0,
    )

    receipt = SyslogAdapter(channel).deliver(a_notice())

    assert receipt.delivered == ()
    assert "ConnectionRefusedError" in receipt.later["syslog:siem"]


def test_a_receiver_that_hangs_up_without_reading_gets_it_again():
    with socket.create_server(("127.0.0.1", 0)) as server:
        channel = ChannelSettings(
            name="siem",
            kind="syslog",
            address=f"127.0.0.1:{server.getsockname()[1]}",
            transport="tcp",
            timeout_s=5.0,
        )
        rude = threading.Thread(target=_hang_up, args=(server,))
        rude.start()
        receipt = SyslogAdapter(channel).deliver(a_notice())
        rude.join()

    assert list(receipt.later) == ["syslog:siem"]


def _hang_up(server: socket.socket) -> None:
    """Ends the connection with octets unread: the kernel answers with a reset."""
    connection, _ = server.accept()
    with connection:
        connection.recv(1)
