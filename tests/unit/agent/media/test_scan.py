import pytest

from agent.media.engine import EngineUnavailable, EngineVersion, FileVerdict
from agent.media.scan import Scan, fingerprint
from agent.system.tree import Skipped

VERSION = EngineVersion("ClamAV 1", "7", 1)


class ScriptedEngine:
    """Answers with these versions in turn; None is an engine that does not answer."""

    def __init__(self, *versions):
        self._versions = list(versions)

    def version(self):
        told = self._versions.pop(0)
        if told is None:
            raise EngineUnavailable("gone")
        return told

    def session(self):
        return self

    def largest_file(self):
        return 100

    def interrupt(self):
        pass

    def close(self):
        pass

    def verdict(self):
        return 1, FileVerdict("clean")


@pytest.mark.parametrize(
    ("versions", "found", "verdict", "reason"),
    [
        ((VERSION, VERSION), [], "clean", ""),
        ((VERSION, VERSION), [Skipped(b"fifo", "special")], "incomplete", "skipped"),
        ((None,), [], "not_scanned", "engine_absent"),
        ((VERSION, None), [], "not_scanned", "engine_lost"),
        ((VERSION, EngineVersion("ClamAV 1", "8", 2)), [], "clean", ""),
        ((VERSION, EngineVersion("ClamAV 1", "8", 0)), [], "incomplete", "engine_changed"),
        ((VERSION, EngineVersion("ClamAV 1", "8", 1)), [], "incomplete", "engine_changed"),
        ((VERSION, EngineVersion("ClamAV 2", "8", 2)), [], "incomplete", "engine_changed"),
    ],
)
def test_the_verdict_is_never_better_than_what_was_seen(versions, found, verdict, reason):
    outcome = Scan(ScriptedEngine(*versions)).run(found)

    assert (outcome.verdict, outcome.reason) == (verdict, reason)


NEWER = EngineVersion("ClamAV 1", "8", 2)


@pytest.mark.parametrize("versions", [(VERSION, NEWER), (NEWER, VERSION)])
def test_signatures_exchanged_in_mid_scan_leave_it_the_older_ones(versions):
    assert Scan(ScriptedEngine(*versions)).run([]).version == VERSION


def test_a_stopped_scan_is_gone_whatever_was_read():
    outcome = Scan(ScriptedEngine(VERSION, VERSION), stopped=lambda: True).run([])

    assert (outcome.verdict, outcome.reason) == ("incomplete", "gone")


def test_the_fingerprint_does_not_depend_on_the_order_but_on_every_part():
    one, two = (b"a", 1, "x"), (b"b", 2, "y")

    prints = {fingerprint(digests) for digests in ([one, two], [one], [(b"a", 2, "x"), two])}

    assert fingerprint([one, two]) == fingerprint([two, one])
    assert len(prints) == 3
