"""The packages in a whole Debian 12: installed, at work, upgraded in place, removed, purged."""

import json
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.lab.machine import PATIENCE, Guest, lab_guest
from tests.support.live import until
from tests.support.packages import build_packages

URL = "https://127.0.0.1:8443"
IDENTITY = "/var/lib/wardwatch-agent/identity.json"
INSTALL = "dpkg --force-unsafe-io --install"
NEWER = "0.1.1"
pytestmark = pytest.mark.timeout(600)  # an emulated machine under load


class Ward:
    """The guest with both packages in it, the collector running and initialised."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        guest.ssh("wardwatch-collector init --host 127.0.0.1")
        guest.ssh("systemctl start wardwatch-collector")
        made = guest.ssh("wardwatch-collector token create test --role officer")
        self._bearer = f"Authorization: Bearer {made.split()[-1]}"

    def get(self, path: str) -> Mapping[str, Any]:
        """The API's answer, asked for inside the guest."""
        asked = f"curl -sSk --fail -H {shlex.quote(self._bearer)} {shlex.quote(URL + path)}"
        return dict(json.loads(self.guest.ssh(asked)))

    def cases(self, rule: str) -> list[Mapping[str, Any]]:
        return list(self.get(f"/api/v1/cases?rule={rule}")["cases"])

    def facts(self, kind: str) -> list[Mapping[str, Any]]:
        seen = self.get(f"/api/v1/observations?kind={kind}")["observations"]
        return [observation["fact"] for observation in seen]

    def enrol(self) -> None:
        self.guest.ssh("wardwatch-collector enrol-token create > /run/enrol.token")
        self.guest.ssh(f"wardwatch-agent enrol --collector {URL} --token-file /run/enrol.token")
        self.guest.ssh("systemctl start wardwatch-agent")


@pytest.fixture(scope="module")
def ward(tmp_path_factory) -> Ward:
    guest = lab_guest()
    packages = build_packages(tmp_path_factory.mktemp("deb"))
    guest.start()
    guest.ctl("push", str(packages.agent), "/var/tmp/agent.deb")
    guest.ctl("push", str(packages.collector), "/var/tmp/collector.deb")
    newer = _newer(packages.agent, tmp_path_factory.mktemp("newer"))
    guest.ctl("push", str(newer), "/var/tmp/newer.deb")
    told = guest.ssh(f"{INSTALL} /var/tmp/agent.deb /var/tmp/collector.deb")
    assert "This machine is not enrolled" in told
    return Ward(guest)


def _newer(package: Path, folder: Path) -> Path:
    """The same package one version later, with a changed program."""
    root = folder / "root"
    subprocess.run(["dpkg-deb", "--raw-extract", package, root], check=True)
    (module,) = root.glob("usr/lib/wardwatch-agent/lib/python3.*/site-packages/agent/version.py")
    for changed in (root / "DEBIAN" / "control", module):
        changed.write_text(changed.read_text().replace("0.1.0", NEWER))
    built = folder / "newer.deb"
    build = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", root, built]
    subprocess.run(build, check=True, capture_output=True)
    return built


def test_the_package_is_installed_upgraded_and_removed_with_the_right_words(ward):
    guest = ward.guest
    ward.enrol()
    guest.plug("stick", "s1", "--serial", "4C530001")
    guest.mount("4C530001", "/mnt/s")
    until(lambda: ward.cases("MED-01"), seconds=PATIENCE, told="a case MED-01")
    identity = guest.ssh(f"sha256sum {IDENTITY}")

    guest.ssh(f"{INSTALL} /var/tmp/newer.deb")
    until(lambda: len(ward.facts("agent_started")) == 2, seconds=PATIENCE, told="a second start")

    assert guest.ssh("wardwatch-agent --version").strip() == NEWER
    assert guest.ssh(f"sha256sum {IDENTITY}") == identity
    assert [fact["reason"] for fact in ward.facts("agent_stopping")] == ["upgrade"]
    second = next(f for f in ward.facts("agent_started") if f["version"] == NEWER)
    assert (second["previous_end"], second["changed"]) == ("goodbye", [])
    assert ward.cases("AUD-01") == []

    guest.ssh("dpkg --remove wardwatch-agent")

    until(lambda: ward.cases("AUD-01"), seconds=PATIENCE, told="a case AUD-01")
    reasons = sorted(fact["reason"] for fact in ward.facts("agent_stopping"))
    assert reasons == ["removed", "upgrade"]
    assert guest.ssh(f"sha256sum {IDENTITY}") == identity

    guest.ssh("dpkg --purge wardwatch-agent wardwatch-collector")

    left = "find / -xdev -path '*wardwatch*' ! -path '/proc/*' ! -path '/var/log/*'"
    assert guest.ssh(left) == ""
