"""What network sensors told, as the officer reads it: words, no raw values."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from checks.facts.base import Process
from checks.facts.history import OutreachHistory, Trace
from checks.facts.names import NameServerUsed
from checks.facts.network import UnmanagedHost
from checks.facts.proxies import Proxy, ProxyState, Relay
from checks.facts.remote_tools import RemoteTool, RemoteToolState
from collector.entries import AttemptsOfDay, Tried
from tests.browser.conftest import enter
from tests.support.hospital import leak, now_us

EGRESS = leak("none").egress
PROGRAM = Process(
    pid=77,
    name="socat",
    executable="/usr/bin/socat",
    user="u1000",
    command="socat --pass=***",
    sha256="ab" * 32,
)
TOLD = {
    "EXT-07": ProxyState(
        proxies=(Proxy(how="pac", scheme="pac", address="http://wpad.example/w.dat"),),
        relays=(Relay(process=PROGRAM, port=8080, onward="203.0.113.9:443"),),
    ),
    "EXT-08": RemoteToolState(
        tools=(RemoteTool(tool="frpc", purpose="reverse_tunnel", process=PROGRAM),)
    ),
    "EXT-09": NameServerUsed(
        server="203.0.113.53",
        transport="doh",
        answered=True,
        egress=EGRESS,
        process=PROGRAM,
        first_seen_us=now_us(),
        queries=17,
    ),
    "EXT-13": UnmanagedHost(endpoint="sfc-011", mac="ca:27:eb:12:34:57", how=("arp",)),
    "EXT-15": OutreachHistory(
        traces=(Trace(what="vpn_profile", name="home", source="/etc/openvpn", at_us=now_us()),)
    ),
}
RAW = re.compile(r"[{}]|\(\'|<time|True|False|None|\d{16}|first seen us|gateway_mac")
"""Python values, markup as text, microseconds, names of fields."""


@pytest.mark.parametrize("rule", TOLD)
def test_a_case_shows_its_evidence_in_words_and_fits_a_telephone(officer, site, rule):
    site.hospital.tell("sfc-011", TOLD[rule])
    officer.set_viewport_size({"width": 390, "height": 800})
    officer.goto(f"/cases?state=all&rule={rule}")
    case = officer.locator("tr[data-row]").first.get_attribute("data-row")
    officer.goto(f"/cases/{case}")
    evidence = officer.locator("#case-evidence")
    expect(evidence.locator("dl").first).to_be_visible()

    assert RAW.findall(evidence.inner_text()) == []
    assert officer.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_endpoint_shows_what_it_told_in_words(officer, site):
    site.hospital.tell("sfc-011", *TOLD.values())
    officer.goto("/endpoints/sfc-011")

    for heading in ("代理", "远程工具", "历史外联痕迹"):
        expect(officer.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    assert RAW.findall(officer.locator("#endpoint-head").inner_text()) == []


def test_the_overview_tells_the_newest_day_of_attempts_in_one_line(officer, site):
    tried = Tried(destination="203.0.113.9:443", process="?", attempts=900)
    site.hospital.digest(
        AttemptsOfDay(day="2026-03-01", attempts=1200, endpoints=3, destinations=4, most=(tried,))
    )
    officer.goto("/")

    line = officer.locator(".ww-digest p")
    expect(line).to_contain_text("2026-03-01")
    expect(line).to_contain_text("1,200")


def test_what_could_not_be_seen_is_said_in_chinese(officer):
    officer.goto("/unseen")

    expect(officer.get_by_text("从未上报：转发").first).to_be_visible()
    assert "never reported" not in officer.locator("#unseen").inner_text()


def test_pages_with_network_evidence_are_accessible(chromium, site):
    context = chromium.new_context(
        base_url=site.address, ignore_https_errors=True, bypass_csp=True, locale="zh-CN"
    )
    page = context.new_page()
    enter(page)
    site.hospital.tell("sfc-011", *TOLD.values())
    faults = []
    for path in ("/", "/endpoints/sfc-011"):
        page.goto(path)
        faults += [violation["id"] for violation in Axe().run(page).response["violations"]]
    context.close()

    assert faults == []
