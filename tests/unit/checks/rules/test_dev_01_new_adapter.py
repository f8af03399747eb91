from checks.facts.place import AdapterAppeared
from tests.samples import judged


def test_a_new_card_is_named_by_its_hardware_address():
    fact = AdapterAppeared(
        adapter="usb_ethernet",
        device="0bda:8153:1",
        mac="00:e0:4c:00:00:01",
        interface="eth1",
        description="USB 10/100/1000 LAN",
    )

    [verdict] = judged(fact)

    assert (verdict.rule, verdict.severity) == ("DEV-01", "high")
    assert verdict.finding.subject == "00:e0:4c:00:00:01"
    assert verdict.finding.params["device"] == "USB 10/100/1000 LAN"
