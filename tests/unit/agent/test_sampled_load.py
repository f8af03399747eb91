"""When all segments are looked at, and when one of some."""

from agent.sampled_load import MANY, SampledLoad


def loaded(segments: int, *, at: float) -> SampledLoad:
    load = SampledLoad(sampled_of=32)
    for _ in range(segments):
        load.saw(at)
    return load


def test_every_segment_is_looked_at_while_there_are_few():
    assert not loaded(MANY, at=100.0).is_high
    assert loaded(MANY + 1, at=100.0).is_high


def test_what_comes_in_another_second_counts_anew():
    load = loaded(MANY, at=100.0)
    for _ in range(MANY):
        load.saw(101.1)

    assert not load.is_high


def test_a_load_that_goes_on_stays_high_and_one_that_ended_does_not():
    load = loaded(MANY + 1, at=100.0)
    for number in range(200):
        load.saw(100.0 + number / 20)
    load.passes(110.0)

    assert load.is_high, "32 times 20 a second"
    load.passes(120.0)
    assert not load.is_high
