import pytest

from agent.media.engine import (
    EngineUnavailable,
    EngineVersion,
    FileVerdict,
    parse_verdict,
    parse_version,
)


@pytest.mark.parametrize(
    ("reply", "version"),
    [
        (
            "ClamAV 1.4.6/27000/Tue Nov  3 09:20:00 2026",
            EngineVersion("ClamAV 1.4.6", "27000", 1793697600000000),
        ),
        ("ClamAV 1.4.6", EngineVersion("ClamAV 1.4.6")),
    ],
)
def test_the_version_tells_the_date_only_with_a_database(reply, version):
    assert parse_version(reply) == version


def test_what_is_no_clamd_is_no_engine():
    with pytest.raises(EngineUnavailable, match="HTTP"):
        parse_version("HTTP/1.1 400 Bad Request")


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("fd[10]: OK", FileVerdict("clean")),
        ("stream: Win.Test.EICAR_HDB-1 FOUND", FileVerdict("infected", "Win.Test.EICAR_HDB-1")),
        ("fd[9]: Heuristics.Encrypted.Zip FOUND", FileVerdict("skipped", "encrypted")),
        (
            "fd[9]: Heuristics.Limits.Exceeded.MaxFileSize FOUND",
            FileVerdict("skipped", "limits_exceeded"),
        ),
        ("INSTREAM size limit exceeded. ERROR", FileVerdict("skipped", "too_large")),
        ("fd[9]: Can't allocate memory ERROR", FileVerdict("skipped", "engine_error")),
        ("", FileVerdict("skipped", "engine_error")),
    ],
)
def test_only_ok_is_clean(reply, verdict):
    assert parse_verdict(reply) == verdict
