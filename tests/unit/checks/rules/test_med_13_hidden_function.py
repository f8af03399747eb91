import msgspec
import pytest

from checks.facts.keyboards import KeyboardAppeared
from checks.facts.media import MediumAttached
from checks.policy import Endpoint, parse_policy
from tests.samples import STICK, judged, rules_raised


def messages(*others):
    fact = MediumAttached(medium=msgspec.structs.replace(STICK, others=others))
    return [v.finding.message for v in judged(fact) if v.rule == "MED-13"]


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ((), []),
        (("keyboard",), ["{medium} is a medium and a keyboard at once"]),
        (("network",), ["{medium} is a medium and a network card at once"]),
        (
            ("keyboard", "network"),
            [
                "{medium} is a medium and a keyboard at once",
                "{medium} is a medium and a network card at once",
            ],
        ),
    ],
)
def test_what_a_registered_stick_is_beside_a_stick_is_told(others, said):
    assert messages(*others) == said


@pytest.mark.parametrize(
    ("endpoint", "raised"),
    [
        (Endpoint(id="desk-1"), ["MED-13"]),
        (Endpoint(id="x", groups=("desks",)), ["MED-13"]),
        (Endpoint(id="y", name="Y"), []),
    ],
    ids=["by id", "by group", "elsewhere"],
)
def test_a_new_keyboard_counts_only_where_the_policy_asks_for_it(endpoint, raised):
    policy = parse_policy('[scanning]\nfixed_keyboards = ["desk-1", "desks"]')
    fact = KeyboardAppeared(device="046d:c31c", name="Logitech USB Keyboard")

    assert rules_raised(fact, policy=policy, endpoint=endpoint) == raised
