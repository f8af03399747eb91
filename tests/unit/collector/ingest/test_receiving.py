import base64

import msgspec
import pytest
from backports import zstd

from checks.facts.health import EndpointSilent
from checks.facts.media_register import MediumOverdue, MediumStanding, MediumTwice
from checks.facts.network import UnmanagedHost
from checks.wire import BATCH_LIMIT_OBSERVATIONS, encode
from collector.ingest.accept import Decision, Outcome
from collector.ingest.receiving import Claim, check_batch, check_request, forked
from collector.ingest.writer import Decided
from collector.problems import Refused
from tests.samples import NOW_US, connection
from tests.sender import Sender
from tests.support.hostile import hostile

SENDER = Sender(agent="pc1")
KEY = SENDER.key.public_key()
PATH = "/agent/v1/policy"
FACT = msgspec.to_builtins(connection())


def claim(body: bytes, *, encoding: str = "zstd", agent: str = "pc1") -> Claim:
    signature = SENDER.headers(body)["Wardwatch-Signature"]
    return Claim(agent=agent, signature=signature, encoding=encoding, body=body)


def batch(count: int = 2, **more) -> bytes:
    return encode(msgspec.structs.replace(SENDER.batch(count), **more))


def numbered(*sequences: int):
    one = SENDER.batch(1).observations[0]
    return tuple(msgspec.structs.replace(one, sequence=each) for each in sequences)


def test_a_signed_batch_may_be_stored_as_it_came():
    body = SENDER.seal(3)

    checked = check_batch(claim(body), KEY)

    assert checked.observations == 3
    assert (checked.batch.agent, checked.batch.machine) == ("pc1", "machine-a")
    assert (checked.batch.header.first, checked.batch.header.last) == (1, 3)
    assert checked.batch.body == body


def test_a_kind_nobody_here_knows_is_counted_with_the_others():
    raw = msgspec.to_builtins(SENDER.batch(3))
    raw["observations"][1]["fact"] = {"kind": "of_a_later_version"}

    assert check_batch(claim(zstd.compress(encode(raw))), KEY).observations == 3


@pytest.mark.parametrize(
    ("signature", "name", "said"),
    [
        ("", "not-signed", "is missing"),
        ("no base64", "not-signed", "is no base64"),
        (base64.b64encode(b"x" * 64).decode(), "wrong-signature", "agent pc1 enrolled with"),
    ],
)
def test_the_signature_comes_before_everything_else(signature, name, said):
    strange = Claim(agent="pc1", signature=signature, encoding="rubbish", body=b"rubbish")

    with pytest.raises(Refused, match=said) as refused:
        check_batch(strange, KEY)

    assert (refused.value.name, refused.value.problem.status) == (name, 401)


@pytest.mark.parametrize(
    ("body", "encoding", "status", "said"),
    [
        (SENDER.seal(1), "gzip", 415, "'gzip'; use zstd or identity"),
        (SENDER.seal(1), "identity", 422, "Content-Encoding is identity"),
        (batch(), "zstd", 422, "Content-Encoding is zstd"),
        (SENDER.seal(1)[:-2], "zstd", 422, "cut off"),
        (b"{", "", 422, "not JSON"),
        (b"[" * 200_000, "", 422, "cannot be read"),
        (zstd.compress(b" " * 40_000_000, 1), "zstd", 413, "unpacks to more than"),
        (batch(agent="pc2"), "", 422, "the batch is of 'pc2', sent as 'pc1'"),
        (batch(machine="m" * 65), "", 422, "machine: Expected `str` of length <= 64"),
        (batch(observations=()), "", 422, "observations: there are none"),
        (batch(first=0), "", 422, "0 to 2 is no range"),
        (batch(first=3, last=2), "", 422, "3 to 2 is no range"),
        (batch(last=2**62), "", 422, "last"),
        (batch(last=9), "", 422, "1 to 2, but the batch says 1 to 9"),
        (batch(first=1, last=2, observations=numbered(2, 1)), "", 422, "sequence 1 follows 2"),
        (batch(last=1, observations=numbered(1, 1)), "", 422, "sequence 1 follows 1"),
    ],
)
def test_what_does_not_fit_is_refused_and_its_place_named(body, encoding, status, said):
    with pytest.raises(Refused, match=said) as refused:
        check_batch(claim(body, encoding=encoding), KEY)

    assert refused.value.problem.status == status


def test_a_held_observation_must_not_repeat_a_sequence():
    raw = msgspec.to_builtins(SENDER.batch(3))
    held = {**raw["observations"][1], "sequence": 3, "fact": {"kind": "of_a_later_version"}}
    raw["observations"] = [raw["observations"][0], held, raw["observations"][2]]

    with pytest.raises(Refused, match="sequence 3 is there twice"):
        check_batch(claim(encode(raw), encoding="identity"), KEY)


def test_a_time_that_no_clock_shows_is_refused():
    (one,) = numbered(1)
    late = msgspec.structs.replace(one, at_us=2**62)

    with pytest.raises(Refused, match=r"observations\[0\].at_us: Expected"):
        check_batch(claim(batch(1, observations=(late,)), encoding=""), KEY)


def test_one_observation_too_many_is_too_large():
    count = BATCH_LIMIT_OBSERVATIONS + 1
    body = zstd.compress(encode(SENDER.batch(count)), 1)

    with pytest.raises(Refused, match=f"{count} observations") as refused:
        check_batch(claim(body), KEY)

    assert refused.value.problem.status == 413


def ask(*, date: str = str(NOW_US), now_us: int = NOW_US, path: str = PATH) -> None:
    signature = SENDER.request_headers(PATH, NOW_US)["Wardwatch-Signature"]
    check_request(path, agent="pc1", date=date, signature=signature, key=KEY, now_us=now_us)


@pytest.mark.parametrize("apart_s", [-300, 0, 300])
def test_a_signed_request_of_these_minutes_is_believed(apart_s):
    ask(now_us=NOW_US + apart_s * 1_000_000)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"date": ""}, "not-signed"),
        ({"date": "yesterday"}, "not-signed"),
        ({"date": "9" * 65}, "not-signed"),
        ({"now_us": NOW_US + 300_000_001}, "wrong-date"),
        ({"now_us": NOW_US - 300_000_001}, "wrong-date"),
        ({"path": "/agent/v1/other"}, "wrong-signature"),
        ({"date": str(NOW_US + 1)}, "wrong-signature"),
    ],
)
def test_a_request_that_is_old_or_altered_is_refused(more, name):
    with pytest.raises(Refused) as refused:
        ask(**more)

    assert (refused.value.name, refused.value.problem.status) == (name, 401)


def test_a_fork_names_both_machines():
    sent = check_batch(claim(SENDER.seal(1)), KEY).batch
    decided = Decided(
        decision=Decision(outcome=Outcome.FORK, why="it overlaps"), last=5, machine="machine-b"
    )

    refused = forked(sent, decided, host="ward3-pc1", remote="10.20.3.9")

    assert refused.problem.status == 409
    for named in ("pc1", "it overlaps", "machine-b", "ward3-pc1", "machine-a", "10.20.3.9"):
        assert named in refused.problem.detail


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at_us", 2**62),
        ("at_us", -1),
        ("monotonic_us", 2**70),
        ("sequence", 2**60),
        ("boot", "b" * 65),
        ("sensor", "s" * 65),
    ],
)
def test_an_envelope_that_no_calendar_or_column_holds_is_refused_and_its_place_named(field, value):
    raw = msgspec.to_builtins(SENDER.batch(1))
    raw["observations"][0][field] = value

    with pytest.raises(Refused) as refused:
        check_batch(claim(encode(raw), encoding="identity"), KEY)

    assert f"observations[0].{field}: " in refused.value.problem.detail


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        ("first_seen_us", {**FACT, "first_seen_us": 2**62}),
        ("flows", {**FACT, "flows": 2**62}),
        ("to_us", {"kind": "sensor_gap", "sensor": "*", "cause": "failed", "from_us": 0,
                   "to_us": 2**62}),
        ("lost", {"kind": "sensor_gap", "sensor": "*", "cause": "failed", "from_us": 0, "to_us": 1,
                  "lost": 2**62}),
        ("signatures_at_us", {"kind": "scanner", "available": True, "signatures_at_us": -1}),
        ("version", {"kind": "agent_health", "version": "v" * 65, "policy_version": 1,
                     "sensors": []}),
    ],
)  # fmt: skip
def test_a_fact_that_no_calendar_or_column_holds_is_refused_and_its_place_named(kind, fact):
    raw = msgspec.to_builtins(SENDER.batch(1))
    raw["observations"][0]["fact"] = fact

    with pytest.raises(Refused) as refused:
        check_batch(claim(encode(raw), encoding="identity"), KEY)

    assert f"observations[0].fact.{kind}: " in refused.value.problem.detail


def test_a_medium_that_claims_eight_exabytes_is_still_reported():
    raw = msgspec.to_builtins(SENDER.batch(1))
    medium = {"key": "k", "kind": "stick", "bus": "usb", "capacity": 2**63 - 1}
    raw["observations"][0]["fact"] = {"kind": "medium_attached", "medium": medium}

    assert check_batch(claim(encode(raw), encoding="identity"), KEY).observations == 1


@pytest.mark.parametrize("kind", ["", "x" * 65, "<script>", "nul\0", "Capital"])
def test_an_unknown_kind_whose_name_is_none_is_refused(kind):
    raw = msgspec.to_builtins(SENDER.batch(1))
    raw["observations"][0]["fact"] = {"kind": kind}

    with pytest.raises(Refused) as refused:
        check_batch(claim(encode(raw), encoding="identity"), KEY)

    assert "observations[0].fact.kind: " in refused.value.problem.detail


@pytest.mark.parametrize(
    "kind", [EndpointSilent, UnmanagedHost, MediumStanding, MediumTwice, MediumOverdue]
)
def test_an_agent_cannot_speak_for_the_collector(kind):
    raw = msgspec.to_builtins(SENDER.batch(1))
    raw["observations"][0]["fact"] = msgspec.to_builtins(hostile(kind, "another"))

    with pytest.raises(Refused) as refused:
        check_batch(claim(encode(raw), encoding="identity"), KEY)

    assert "is not an agent's to say" in refused.value.problem.detail
