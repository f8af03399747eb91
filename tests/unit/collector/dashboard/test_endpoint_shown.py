import msgspec

from checks.facts.antivirus import AntivirusState, Product
from checks.facts.network import Link, Route
from checks.policy import Endpoint
from collector.dashboard.endpoint_shown import links_of, versions_of
from collector.judging.records import EndpointRecord
from collector.queries.endpoints import LatestFact
from tests.support.hospital import network, scanner

RECORD = EndpointRecord(registered=Endpoint(id="a"), version="0.1.0", policy_version=3)


def test_ways_out_come_first_then_what_is_up_and_no_loopback():
    fact = network()
    more = (
        Link(index=1, name="lo", kind="loopback", up=True, carrier=True),
        Link(index=3, name="wlan0", kind="wifi"),
        Link(index=4, name="eth9", kind="wired", up=True, carrier=True),
        Link(index=5, name="ppp0", kind="ppp"),
    )
    ways = (*fact.routes, Route(destination="::/0", interface="ppp0"))

    shown = links_of(msgspec.structs.replace(fact, links=(*more, *fact.links), routes=ways))

    assert [(each.link.name, each.gateways) for each in shown] == [
        ("enp1s0", ("10.20.0.1",)),
        ("ppp0", ("-",)),
        ("eth9", ()),
        ("wlan0", ()),
    ]
    assert links_of(None) == []


def test_versions_are_those_that_the_endpoint_told():
    guard = AntivirusState(products=(Product(product="ClamAV", running=True, guarding=True),))
    known = {
        "scanner": LatestFact(kind="scanner", at_us=1, fact=scanner()),
        "antivirus": LatestFact(kind="antivirus", at_us=1, fact=guard),
    }

    told = versions_of(RECORD, known, newest_policy=4)

    assert (told.client, told.policy, told.newest_policy) == ("0.1.0", 3, 4)
    assert told.scanner is not None
    assert told.scanner.signatures == "27801"
    assert [product.product for product in told.products] == ["ClamAV"]
    assert versions_of(RECORD, {}, newest_policy=4).scanner is None
