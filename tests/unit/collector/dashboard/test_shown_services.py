import pytest

from checks.check import discover
from checks.facts.base import Process
from checks.facts.history import OutreachHistory, Trace
from checks.facts.names import CanaryAnswered, NameServerUsed, Resolver, ResolverState
from checks.facts.proxies import Proxy, ProxyState, Relay
from checks.facts.remote_tools import RemoteTool, RemoteToolState
from collector.dashboard.shown import has_words, shown
from collector.dashboard.wording import Words
from collector.i18n import translator
from tests.support import hospital

NOW = 1_795_000_000_000_000
ENGLISH = Words(translator("en"), "Asia/Shanghai", NOW)
CHINESE = Words(translator("zh_CN"), "Asia/Shanghai", NOW)
SOCAT = Process(
    pid=77,
    name="socat",
    executable="/usr/bin/socat",
    user="u1000",
    command="socat --pass=***",
    sha256="ab" * 32,
    login="u2000",
    session="3",
)
EGRESS = hospital.leak("none").egress
ASKED = NameServerUsed(
    server="192.0.2.53",
    transport="doh",
    answered=True,
    egress=EGRESS,
    process=SOCAT,
    first_seen_us=NOW,
    queries=1700,
)


def lines(fact, words: Words = ENGLISH) -> dict[str, str]:
    return {line.label: line.text for line in shown(fact, words) if line.text}


def test_every_kind_that_a_rule_reads_is_described_in_words():
    kinds = {kind for check in discover().values() for kind in check.on}

    assert sorted(kind.__name__ for kind in kinds if not has_words(kind)) == []


def test_a_foreign_name_server_is_told_with_who_asked_how_over_which_way():
    said = lines(ASKED, CHINESE)

    assert said["域名服务器"] == "192.0.2.53"
    assert said["查询方式"] == "DNS over HTTPS"
    assert said["结果"] == "有应答"
    assert said["查询次数"] == "1,700"
    assert said["网关"] == "10.20.0.1"
    assert [line.moment_us for line in shown(ASKED, CHINESE) if line.moment_us] == [NOW]


def test_a_process_is_told_with_command_line_hash_and_login_where_they_are_known():
    said = lines(ASKED)

    assert said["Process"] == "/usr/bin/socat (PID 77)"
    assert said["Command line"] == "socat --pass=***"
    assert said["Logged in as"] == "u2000"
    assert said["Program's SHA-256"] == "ab" * 32
    assert said["Login session"] == "3"


def test_a_canary_that_was_answered_tells_by_whom_and_with_what():
    fact = CanaryAnswered(
        name="canary.example", server="192.0.2.53", addresses=("203.0.113.1",), egress=EGRESS
    )

    assert lines(fact)["Answered with"] == "203.0.113.1"
    assert lines(fact)["Canary name"] == "canary.example"


def test_configured_name_servers_are_told_with_their_place():
    state = ResolverState(resolvers=(Resolver(address="10.20.0.53", source="/etc/resolv.conf"),))

    assert lines(state) == {"10.20.0.53": "/etc/resolv.conf"}
    assert lines(ResolverState(resolvers=()), CHINESE) == {"域名服务器": "未设置"}


@pytest.mark.parametrize(
    ("proxy", "label", "text"),
    [
        (
            Proxy(how="environment", scheme="http", address="192.0.2.8", port=3128, in_use=True),
            "环境变量",
            "http://192.0.2.8:3128 · 使用中",
        ),
        (
            Proxy(how="pac", scheme="pac", address="http://wpad.example/wpad.dat", source="GNOME"),
            "自动代理脚本（PAC）",
            "http://wpad.example/wpad.dat · GNOME",
        ),
    ],
)
def test_a_proxy_setting_is_told_as_an_address_with_its_place(proxy, label, text):
    assert lines(ProxyState(proxies=(proxy,)), CHINESE) == {label: text}


def test_a_relay_tells_its_program_its_port_and_where_it_goes():
    relay = Relay(process=SOCAT, port=8080, onward="203.0.113.9:443")

    assert lines(ProxyState(proxies=(), relays=(relay,))) == {
        "Relays for others": "/usr/bin/socat (PID 77) · u1000 · port 8080 → 203.0.113.9:443"
    }
    assert lines(ProxyState(proxies=())) == {"Proxies": "none configured"}


def test_a_remote_tool_is_told_with_its_purpose():
    state = RemoteToolState(
        tools=(RemoteTool(tool="frpc", purpose="reverse_tunnel", process=SOCAT),)
    )

    assert lines(state, CHINESE) == {"frpc": "反向隧道 · /usr/bin/socat (PID 77) · u1000"}
    assert lines(RemoteToolState(tools=())) == {"Remote tools": "none running"}


def test_an_old_trace_tells_its_day_as_text():
    trace = Trace(what="vpn_profile", name="home", source="/etc/openvpn", at_us=NOW)

    assert lines(OutreachHistory(traces=(trace,))) == {
        "VPN profile": "home · 2026-11-18 · /etc/openvpn"
    }
