from agent.awaited_hashes import PATIENCE, AwaitedHashes
from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import ConnectionSeen, Egress


class Hashes:
    def __init__(self):
        self.made = {}

    def of(self, pid, path):
        return self.made.get((pid, path), "")


def fact(process):
    return ConnectionSeen(
        protocol="tcp", source="10.0.0.2", source_port=4000, destination="198.51.100.1",
        destination_port=443, direction="out", answer="two_way",
        egress=Egress(interface="eth0", kind="ethernet"), process=process, first_seen_us=1,
    )  # fmt: skip


CURL = Process(pid=7, name="curl", executable="/usr/bin/curl")


def test_a_fact_whose_program_is_known_goes_on_at_once_with_its_hash():
    hashes = Hashes()
    hashes.made[7, "/usr/bin/curl"] = "ab"

    (told,) = AwaitedHashes(hashes).through([fact(CURL)], 0.0)

    assert told.process.sha256 == "ab"


def test_a_fact_waits_for_the_hash_that_is_being_made():
    hashes = Hashes()
    hashes.made[7, "/usr/bin/curl"] = None
    awaited = AwaitedHashes(hashes)

    assert list(awaited.through([fact(CURL)], 10.0)) == []
    assert awaited.deadline() == 10.0 + PATIENCE
    assert list(awaited.ready(10.1)) == []
    hashes.made[7, "/usr/bin/curl"] = "ab"
    (told,) = awaited.ready(10.2)

    assert told.process.sha256 == "ab"
    assert awaited.deadline() is None


def test_a_fact_waits_no_longer_than_patience_and_is_never_lost():
    hashes = Hashes()
    hashes.made[7, "/usr/bin/curl"] = None
    awaited = AwaitedHashes(hashes)
    list(awaited.through([fact(CURL)], 10.0))

    (told,) = awaited.ready(10.0 + PATIENCE)

    assert told == fact(CURL)


def test_whoever_has_no_program_or_no_hash_does_not_wait():
    unnamed = fact(UnknownProcess(why="gone")), fact(Process(pid=7, name="kworker")), fact(CURL)

    assert list(AwaitedHashes(Hashes()).through(unnamed, 0.0)) == list(unnamed)
