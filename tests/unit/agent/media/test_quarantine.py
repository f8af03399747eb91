import msgspec
import pytest

from agent.media.engine import EngineVersion
from agent.media.quarantine import Finds, is_wanted, origin_of, told, why_left
from agent.media.scan import Infected, ScanOutcome
from agent.media.telling import Names
from agent.media.watched import MountedAt, ScanJob
from agent.system.kernel import FileState
from checks.facts.media import Partition
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.samples import STICK

WHERE = MountedAt(
    number=7,
    disk="/sys/block/sdb",
    medium=STICK,
    partition=Partition(device="/dev/sdb1", size=1),
    mount_point="/media/a",
)
JOB = ScanJob(number=7, device=7, path="/media/a", point="/media/a", id=1)
INFECTED = Infected(b"a\xff.com", "Eicar", "ab", FileState(number=3, size=68, modified_ns=5))
FOUND = ScanOutcome(
    verdict="infected", version=EngineVersion("ClamAV 1", "7", 1), infected=(INFECTED,)
)


def document(policy="", clinical=""):
    return PolicyDocument(
        issued_at_us=0, policy=parse_policy(policy), endpoint=Endpoint(id="e", clinical=clinical)
    )


def finds():
    made = Finds()
    made.wanted = True
    return made


@pytest.mark.parametrize(
    ("wanted", "outcome", "taken"),
    [(True, FOUND, True), (False, FOUND, False), (True, ScanOutcome(verdict="clean"), False)],
)
def test_only_what_is_infected_and_wanted_is_handed_over(wanted, outcome, taken):
    made = Finds()
    made.wanted = wanted

    made.found(WHERE, JOB, outcome)

    assert (made.take() is not None) is taken


def test_a_find_rings():
    rung = []
    made = finds()
    made.ring = lambda: rung.append("rung")

    made.found(WHERE, JOB, FOUND)

    assert rung == ["rung"]


def test_what_is_unmounted_is_over_whether_it_waits_or_is_under_way():
    made = finds()
    made.found(WHERE, JOB, FOUND)
    made.found(WHERE, JOB, FOUND)
    made.found(msgspec.structs.replace(WHERE, number=8), JOB, FOUND)
    first = made.take()

    made.unmounted(7)

    assert [find.over.is_set() for find in (first, made.take(), made.take())] == [True, True, False]


def test_what_is_done_is_not_under_way_any_more():
    made = finds()
    made.found(WHERE, JOB, FOUND)
    find = made.take()

    made.done(find)
    made.unmounted(7)

    assert not find.over.is_set()


def test_at_the_end_everything_is_over():
    made = finds()
    made.found(WHERE, JOB, FOUND)
    made.found(WHERE, JOB, FOUND)
    find = made.take()

    made.stop()

    assert find.over.is_set()
    assert made.take() is None


@pytest.mark.parametrize(
    ("job", "clinical", "why"),
    [(JOB, "", None), (None, "", "held"), (JOB, "icu", "clinical"), (None, "icu", "held")],
)
def test_nothing_is_moved_from_held_media_and_on_clinical_endpoints(job, clinical, why):
    made = finds()
    made.found(WHERE, job, FOUND)

    assert why_left(made.take(), document(clinical=clinical)) == why


def test_nothing_is_moved_unless_the_policy_says_so():
    assert not is_wanted(document())
    assert is_wanted(document("[scanning]\nquarantine = true\n"))


def test_names_stay_at_the_endpoint():
    made = finds()
    made.found(WHERE, JOB, FOUND)
    find, names = made.take(), Names(b"salt")

    (file,) = told(find, ["moved"], names).files
    origin = origin_of(find, INFECTED, 9)

    assert (file.end, file.signature, file.sha256, file.size) == ("moved", "Eicar", "ab", 68)
    assert (file.file_hash, file.file_name) == (names.hashed(INFECTED.path), "")
    assert (origin.path, origin.key, origin.moved_us) == (INFECTED.path, STICK.key, 9)


def test_a_place_is_the_same_at_another_moment_but_not_with_another_content():
    made = finds()
    made.found(WHERE, JOB, FOUND)
    find = made.take()
    other = msgspec.structs.replace(INFECTED, state=FileState(number=3, size=68, modified_ns=6))

    origin = origin_of(find, INFECTED, 9)

    assert origin.is_same_as(origin_of(find, INFECTED, 10))
    assert not origin.is_same_as(origin_of(find, other, 9))
