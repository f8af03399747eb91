"""Manifests on a real disk: bounded, and which of them the collector does not have."""

import os

from agent.media import manifests
from agent.media.manifests import Manifests


def test_a_manifest_is_there_again_and_waits_until_it_was_sent(tmp_path):
    kept = Manifests(tmp_path)
    kept.put("a", b"body", sent=False)
    kept.put("b", b"other", sent=True)

    again = Manifests(tmp_path)
    assert (again.get("a"), again.get("b"), again.get("c")) == (b"body", b"other", None)
    assert list(again.unsent()) == ["a"]
    again.sent("a")
    again.sent("a")
    assert (list(again.unsent()), again.get("a")) == ([], b"body")


def test_those_that_were_used_last_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(manifests, "KEPT_BYTES", 250)
    kept = Manifests(tmp_path)
    for age, name in enumerate("ab"):
        kept.put(name, bytes(100), sent=True)
        os.utime(tmp_path / "manifests" / f"{name}.zst", (age, age))
    kept.get("a")

    kept.put("c", bytes(100), sent=True)

    assert [name for name in "abc" if kept.get(name)] == ["a", "c"]


def test_nobody_else_reads_what_is_on_peoples_media(tmp_path):
    Manifests(tmp_path).put("a", b"names of files", sent=True)

    assert (tmp_path / "manifests").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "manifests" / "a.zst").stat().st_mode & 0o777 == 0o600
