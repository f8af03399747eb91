import pytest

from checks.facts.network import UnmanagedHost
from tests.samples import judged


def host(mac: str = "00:1b:2c:00:00:01", *, among: int = 1) -> UnmanagedHost:
    return UnmanagedHost(endpoint="a-1", mac=mac, addresses=("10.20.3.99",), among=among)


@pytest.mark.parametrize(
    ("among", "subject"), [(1, "00:1b:2c:00:00:01"), (20, "00:1b:2c:00:00:01"), (21, "*")]
)
def test_a_host_is_a_case_of_its_own_and_a_crowd_is_one(among, subject):
    [verdict] = judged(host(among=among))

    assert (verdict.rule, verdict.finding.subject) == ("EXT-13", subject)


def test_a_made_up_hardware_address_is_said():
    [maker], [made_up] = judged(host()), judged(host("02:11:22:33:44:55"))

    assert "made up" not in maker.finding.message
    assert "made up" in made_up.finding.message


def test_what_the_host_did_not_show_leaves_no_gap_in_the_sentence():
    [bare] = judged(UnmanagedHost(endpoint="a-1", mac="00:1b:2c:00:00:01"))
    [whole] = judged(
        UnmanagedHost(
            endpoint="a-1", mac="00:1b:2c:00:00:01", addresses=("10.20.3.99",), name="pump"
        )
    )

    assert bare.finding.params["host"] == "00:1b:2c:00:00:01"
    assert whole.finding.params["host"] == "00:1b:2c:00:00:01 · 10.20.3.99 · pump"
