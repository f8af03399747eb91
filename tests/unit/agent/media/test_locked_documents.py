import pytest

from agent.media.locked import HEAD
from agent.media.locked_documents import is_locked_document
from tests.support import locked_files as made

REVISIONS = (2, 3, 4, 5)
FAR = b"\0" * (1 << 20)


def is_locked(content):
    return is_locked_document(
        content[:HEAD], len(content), lambda at, length: content[at : at + length]
    )


@pytest.mark.parametrize("write", [made.word, made.excel, made.powerpoint, made.office])
def test_office_files_with_a_password_are_known(write):
    assert is_locked(write(locked=True))
    assert not is_locked(write(locked=False))


def test_a_text_about_locked_files_is_not_locked():
    name = "EncryptedPackage".encode("utf-16-le")

    assert not is_locked(made.compound(("WordDocument", b"\xec\xa5" + bytes(126) + name)))


def test_a_directory_far_behind_is_found():
    whole = made.office(locked=True)
    far = whole[:1024] + FAR + whole[1024:]

    assert is_locked(far)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_pdf_is_locked_unless_the_empty_password_opens_it(revision):
    assert is_locked(made.pdf(password=b"ward 3", revision=revision))
    assert not is_locked(made.pdf(password=b"", revision=revision))


def test_the_key_of_a_pdf_may_stand_in_its_trailer_and_far_away():
    def direct(password):
        whole = made.pdf(password=password)
        key = whole[whole.index(b"<</Filter") : whole.index(b"\nendobj\nxref")]
        return whole.replace(b"/Encrypt 4 0 R", b"/Encrypt" + key)

    far = made.pdf(password=b"ward 3").replace(b"xref\n0 5", FAR + b"xref\n0 5", 1)

    assert [is_locked(direct(word)) for word in (b"ward 3", b"")] == [True, False]
    assert is_locked(far)


@pytest.mark.parametrize(
    ("what", "content", "locked"),
    [
        ("a plain PDF", made.pdf(), False),
        ("a PDF behind something", b"\xef\xbb\xbf" + made.pdf(password=b"ward 3"), True),
        ("a key of a later revision", made.pdf(password=b"").replace(b"/R 3", b"/R 6"), True),
        ("a key that is not there", b"%PDF-1.6 trailer<</Encrypt 9 0 R>>", True),
        ("a key cut off", b"%PDF-1.6 trailer<</ID[(\\1)]/Encrypt<</R 3/V 2/O(\\", True),
        ("a PDF that names the word", b"%PDF-1.6 (/Encrypt) /EncryptMetadata true", False),
        ("a compound file cut off", made.office(locked=False)[:8] + b"\xd0\xcf", False),
        ("its mark alone", bytes.fromhex("d0cf11e0a1b11ae1"), False),
        ("no document", b"plain text /Encrypt 4 0 R", False),
        ("nothing", b"", False),
    ],
)
def test_what_is_broken_raises_nothing(what, content, locked):
    assert is_locked(content) is locked, what
