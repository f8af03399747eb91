import msgspec
import pytest

from checks.facts.media import MediumAttached
from tests.samples import STICK, judged


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
