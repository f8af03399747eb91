"""The quarantine on a real folder, by itself: what is taken comes out as it was, or not at all."""

import hashlib
import os

import msgspec
import pytest

from agent.media.quarantine import Origin
from agent.system.quarantine_content import FIRST_LINE, ContentChanged, Interrupted
from agent.system.quarantine_store import FOLDER, QuarantineStore, Room

BODY = bytes(range(256)) * 5000  # longer than one read
SHA256 = hashlib.sha256(BODY).hexdigest()
ORIGIN = Origin(key="k", medium="a stick", path=b"in/a.com", signature="Eicar")
ELSEWHERE = msgspec.structs.replace(ORIGIN, path=b"b.com")


@pytest.fixture
def store(tmp_path):
    return QuarantineStore(tmp_path, Room(most=1 << 24, keep_free=0))


@pytest.fixture
def infected(tmp_path):
    """A file with the content, open."""
    path = tmp_path / "a.com"
    path.write_bytes(BODY)
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def take(store, descriptor, origin=ORIGIN, sha256=SHA256):
    store.take(descriptor, sha256, origin, lambda: True)


def lies_in(tmp_path):
    return sorted(path.name for path in (tmp_path / FOLDER).iterdir())


def test_what_is_taken_is_restored_as_it_was_and_stays(store, infected, tmp_path):
    take(store, infected)
    store.restore(SHA256, tmp_path / "out")

    assert (tmp_path / "out").read_bytes() == BODY
    assert [(one.sha256, one.size, one.origins) for one in store.all()] == [
        (SHA256, len(BODY), (ORIGIN,))
    ]


def test_a_damaged_content_is_not_restored_and_leaves_nothing(store, infected, tmp_path):
    take(store, infected)
    content = tmp_path / FOLDER / SHA256
    content.chmod(0o600)
    content.write_bytes(FIRST_LINE + b"another")

    with pytest.raises(ContentChanged):
        store.restore(SHA256, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_file_that_is_there_already_is_as_it_was(store, infected, tmp_path):
    take(store, infected)
    (tmp_path / "out").write_bytes(b"a letter")

    with pytest.raises(FileExistsError):
        store.restore(SHA256, tmp_path / "out")

    assert (tmp_path / "out").read_bytes() == b"a letter"


def test_a_file_that_is_not_what_its_digest_says_is_not_taken(store, infected, tmp_path):
    with pytest.raises(ContentChanged):
        take(store, infected, sha256="0" * 64)

    assert lies_in(tmp_path) == []


def test_a_file_that_is_not_wanted_any_more_is_not_taken(store, infected, tmp_path):
    with pytest.raises(Interrupted):
        store.take(infected, SHA256, ORIGIN, lambda: False)

    assert lies_in(tmp_path) == []


def test_one_place_is_forgotten_and_the_content_with_the_last(store, infected, tmp_path):
    take(store, infected)
    take(store, infected, ELSEWHERE)
    store.forget(SHA256, ELSEWHERE)
    left = [one.origins for one in store.all()]
    store.forget(SHA256, ORIGIN)

    assert left == [(ORIGIN,)]
    assert lies_in(tmp_path) == []
