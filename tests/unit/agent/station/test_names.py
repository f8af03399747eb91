"""Names of files from outside, made safe."""

import pytest

from agent.station.names import numbered, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("影像 1.dcm".encode(), "影像 1.dcm"),
        (b"letter.pdf", "letter.pdf"),
        (b"..", "_"),
        (b".hidden", "hidden"),
        (b"a\nb\x1b[2J.txt", "a_b_[2J.txt"),
        (b"\xff\xfe.txt", "__.txt"),
        ("invoice\u202efdp.exe".encode(), "invoice_fdp.exe"),
        (b'a<b>:"|?*\\.txt', "a_b_______.txt"),
        (b"AUTORUN.INF", "_AUTORUN.INF"),
        (b"Con.txt", "_Con.txt"),
        (b"com1", "_com1"),
        (b"-rf", "_-rf"),
        (b"end. . ", "end"),
        (b"x" * 250 + b".dcm", "x" * 60 + ".dcm"),
        ("长".encode() * 85, "长" * 60),
    ],
)
def test_a_name_is_made_safe(name, safe):
    assert safe_name(name) == safe


def test_a_safe_name_stays_as_it_is():
    for name in (b"AUTORUN.INF", b"a\nb", b"..", b"-x"):
        once = safe_name(name)
        assert safe_name(once.encode()) == once


@pytest.mark.parametrize(("name", "other"), [("a.pdf", "a~2.pdf"), ("a", "a~2")])
def test_a_name_that_is_taken_gets_a_number(name, other):
    assert numbered(name, 2) == other
