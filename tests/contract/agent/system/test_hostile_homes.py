"""Home folders whose owner wants the agent to hang, to swell, or to look away."""

import os
import time
from pathlib import Path

import pytest

from agent.system.proxy_places import FILES_MOST, FOLDER_MOST, SETTINGS_MOST, set_proxies
from checks.facts.proxies import Proxy

PATIENCE = 10.0
"""Seconds, on a machine that does other work; the quadratic readers of before took hours."""
MEGABYTE = 1 << 20


def read(home: Path) -> tuple[list[Proxy], set[Path]]:
    unread: set[Path] = set()
    began = time.monotonic()
    found = list(set_proxies(home / "no system", [home], unread=unread.add))
    assert time.monotonic() - began < PATIENCE
    return found, unread


def written(home: Path, name: str, text: bytes) -> None:
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text)


@pytest.mark.parametrize("name", [".npmrc", ".curlrc", ".bashrc", ".mozilla/firefox/x/prefs.js"])
@pytest.mark.parametrize("what", [b"\n", b" ", b"proxy ", b'http_proxy="', b"[", b"\xff\0"])
def test_a_megabyte_of_nonsense_is_read_in_seconds(tmp_path: Path, name: str, what: bytes):
    written(tmp_path, name, what * (MEGABYTE // len(what)))

    found, unread = read(tmp_path)

    assert len(found) <= SETTINGS_MOST
    assert unread <= {tmp_path}


def test_a_thousand_settings_are_kept_to_a_bound_and_it_is_told(tmp_path: Path):
    lines = "".join(f"export http_proxy=http://203.0.113.{n % 250}:{n}\n" for n in range(1000))
    written(tmp_path, ".profile", lines.encode())

    found, unread = read(tmp_path)

    assert len(found) == SETTINGS_MOST
    assert unread == {tmp_path}


def test_the_same_setting_written_often_hides_none(tmp_path: Path):
    written(tmp_path, ".profile", b"http_proxy=http://decoy:1\n" * 5000)
    written(tmp_path, ".curlrc", b"proxy = 203.0.113.9:3128\n")

    found, unread = read(tmp_path)

    assert [(proxy.address, proxy.port) for proxy in found] == [("decoy", 1), ("203.0.113.9", 3128)]
    assert unread == set()


def test_a_folder_of_many_names_is_looked_at_up_to_a_bound(tmp_path: Path):
    for number in range(FOLDER_MOST // 10):
        written(tmp_path, f".config/environment.d/{number:05}.conf", b"HTTP_PROXY=a:1\n")

    found, _ = read(tmp_path)

    assert len(found) == FILES_MOST


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/full", "/proc/kmsg", "/dev/tty0"])
def test_a_link_to_a_device_is_never_opened(tmp_path: Path, target: str):
    (tmp_path / ".bashrc").symlink_to(target)
    (tmp_path / ".npmrc").mkdir()
    os.mkfifo(tmp_path / ".curlrc")

    assert read(tmp_path) == ([], set())
