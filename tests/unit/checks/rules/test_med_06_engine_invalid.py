import pytest

from checks.facts.media import MediumScanned
from tests.samples import DAY_US, NOW_US, STICK, judged


def scanned(**changes):
    fields = {"verdict": "clean", "signatures_at_us": NOW_US, **changes}
    return MediumScanned(medium=STICK, mount_point="/media/a", **fields)


@pytest.mark.parametrize(
    ("what", "fact", "messages"),
    [
        ("fresh", scanned(), []),
        ("29 days", scanned(signatures_at_us=NOW_US - 29 * DAY_US), []),
        (
            "40 days",
            scanned(signatures_at_us=NOW_US - 40 * DAY_US),
            ["{medium} was scanned with signatures {days} days old"],
        ),
        (
            "nobody knows their age",
            scanned(signatures_at_us=0),
            ["{medium} was scanned with signatures of unknown age"],
        ),
        (
            "no engine",
            scanned(verdict="not_scanned", reason="engine_absent", signatures_at_us=0),
            ["{medium} could not be scanned: no engine answers on this machine"],
        ),
        (
            "it ended at once",
            scanned(verdict="not_scanned", reason="engine_lost", signatures_at_us=0),
            ["{medium} could not be scanned: the engine ended before the first file"],
        ),
        (
            "what no agent of today says",
            scanned(verdict="not_scanned", reason="other", signatures_at_us=0),
            ["{medium} could not be scanned: {reason}"],
        ),
    ],
)
def test_which_engines_count(what, fact, messages):
    assert [verdict.finding.message for verdict in judged(fact)] == messages, what
