from checks.facts.media_register import MediumStanding, RegisteredMedium, Whereabouts
from checks.register import came_from, entry_of, standing_of
from tests.samples import ENDPOINT, STICK, context


def knowing(**standing):
    return context(known={MediumStanding: MediumStanding(**{"key": STICK.key, **standing})})


def test_the_registers_answer_goes_before_the_policy_and_the_policy_before_nothing():
    line = RegisteredMedium(number="R-1", key=STICK.key)

    assert entry_of(STICK, knowing(entry=line)) == line
    assert entry_of(STICK, knowing()).number == "M-1"
    assert standing_of(STICK, knowing(key="another")) is None


def test_where_a_medium_came_from_is_the_newest_place_that_is_not_here():
    here = Whereabouts(endpoint=ENDPOINT.id, last_us=9, before_us=3, here=True)
    pc_2, pc_3 = (Whereabouts(endpoint=f"pc-{n}", last_us=n + 3) for n in (2, 3))

    assert came_from(STICK, knowing(seen=(here, pc_2, pc_3))) == pc_3
    assert came_from(STICK, knowing(seen=(here,))) is None
    assert came_from(STICK, context(known={})) is None
