import msgspec
import pytest

from checks.facts.proxies import Proxy, ProxyState, Relay
from checks.policy import parse_policy
from tests.samples import BY_GATEWAY, CURL, POLICY, POLICY_TEXT, judged, rules_raised

SQUID = msgspec.structs.replace(CURL, name="x", executable="/usr/sbin/x")


def listed(text):
    return parse_policy(POLICY_TEXT + text)


HERE = listed('[[proxies]]\naddress = "proxy.example"\nport = 3128\n')
ANY_PORT = listed('[[proxies]]\naddress = "Proxy.Example"\n')
OTHERS = listed('[[proxies]]\naddress = "proxy.example"\nsubject = { groups = ["office"] }\n')
OWN = listed('[[proxies]]\naddress = "127.0.0.1"\nport = 3128\n')
ONWARD = listed(
    '[[approved]]\nname = "updates"\ndestinations = ["203.0.113.80/32"]\nexpires = 2027-06-30\n'
)


def proxies(*changes):
    setting = Proxy(
        how="environment",
        scheme="http",
        address="proxy.example",
        port=3128,
        source="/etc/environment",
    )
    return ProxyState(proxies=tuple(msgspec.structs.replace(setting, **own) for own in changes))


def relays(onward="203.0.113.80:443"):
    relay = Relay(process=SQUID, port=3128, onward=onward, egress=BY_GATEWAY)
    return ProxyState(proxies=(), relays=(relay,))


@pytest.mark.parametrize(
    ("what", "fact", "policy", "raised"),
    [
        ("none", proxies(), POLICY, []),
        ("one that is set", proxies({}), POLICY, ["EXT-07"]),
        ("a listed one", proxies({}), HERE, []),
        ("a listed one at another port", proxies({"port": 8080}), HERE, ["EXT-07"]),
        ("a listed one at any port", proxies({"port": 8080}), ANY_PORT, []),
        ("one that is listed for others", proxies({}), OTHERS, ["EXT-07"]),
        ("a program that relays", relays(), POLICY, ["EXT-07"]),
        ("a relay of IPv6", relays("[2001:db8::1]:443"), POLICY, ["EXT-07"]),
        ("a relay whose way onward is approved", relays(), ONWARD, []),
        ("a machine that is the listed proxy", relays(), OWN, []),
    ],
)
def test_which_proxies_are_refused(what, fact, policy, raised):
    assert rules_raised(fact, policy=policy) == raised, what


def test_a_proxy_in_use_is_told_once_and_graver():
    verdicts = judged(proxies({}, {"source": "/etc/profile", "in_use": True}))

    assert [(v.finding.subject, v.severity) for v in verdicts if v.finding] == [
        ("proxy.example:3128", "high")
    ]


def test_a_relay_is_graver_than_a_setting():
    [setting], [relay] = judged(proxies({})), judged(relays())

    assert (setting.severity, relay.severity) == ("medium", "high")
