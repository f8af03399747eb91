"""A few seconds of what `make fuzz` does for half an hour."""

from tests.fault.fuzz_replay import fuzz

SEED = 20261123
CAPTURES = 1_500


def test_no_mutation_of_a_capture_crashes_or_hangs_replay():
    found = fuzz(seconds=60, seed=SEED, most=CAPTURES)

    assert found.broken == {}
    assert found.executions == CAPTURES
    assert found.refused > 10
    assert found.faulty > 100
    assert found.flows > 1_000
