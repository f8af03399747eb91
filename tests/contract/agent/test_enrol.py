"""Enrolment against a real HTTPS server, and what it leaves on disk."""

import os
import stat
import subprocess
import sys

import pytest

from agent.enrol import EnrolmentRefused, Machine, enrol, read_token
from agent.identity import IdentityFolder, NotEnrolled
from tests.support.certificates import make_authority
from tests.support.recording_collector import Reply

MACHINE = Machine(host="ward-3", machine="hash", system="Linux")


@pytest.fixture
def token(tmp_path, collector):
    path = tmp_path / "token"
    path.write_text(collector.token + "\n")
    return path


def enrolled(state, collector, token, *, again=False):
    return enrol(
        IdentityFolder(state),
        collector=collector.url,
        token=read_token(token),
        machine=MACHINE,
        again=again,
    )


def test_an_enrolled_agent_has_a_private_key_and_the_collectors_trust(state, collector, token):
    enrolled(state, collector, token)

    identity = IdentityFolder(state).load()
    assert identity.agent == "agent-1"
    collector.agent_key.verify(b"x", identity.sign(b"x"))
    assert identity.is_from_collector(b"y", collector.key.sign(b"y").signature)
    assert not identity.is_from_collector(b"z", collector.key.sign(b"y").signature)
    assert not identity.is_from_collector(b"z", b"short")
    assert stat.S_IMODE((state / "identity.json").stat().st_mode) == 0o600
    assert sorted(p.name for p in state.iterdir()) == ["ca.pem", "identity.json"]


def test_the_request_names_the_machine(state, collector, token):
    enrolled(state, collector, token)

    (request,) = collector.recorded.enrolments
    assert (request.host, request.machine, request.system) == ("ward-3", "hash", "Linux")
    assert request.token == collector.token


def test_a_collector_with_another_authority_gets_no_token(state, collector, token, tmp_path):
    collector.authority = make_authority(tmp_path / "other")

    with pytest.raises(EnrolmentRefused, match="is not the collector that made this token"):
        enrolled(state, collector, token)

    assert collector.recorded.enrolments == []
    assert not state.exists()


def test_an_enrolment_whose_answer_was_lost_is_repeated_with_the_same_key(state, collector, token):
    collector.recorded.script.append(Reply(500, detail="lost"))
    with pytest.raises(EnrolmentRefused, match="500: lost"):
        enrolled(state, collector, token)
    enrolled(state, collector, token)

    first, second = collector.recorded.enrolments
    assert first.public_key == second.public_key


def test_an_identity_is_replaced_only_when_asked(state, collector, token):
    enrolled(state, collector, token)
    with pytest.raises(EnrolmentRefused, match="--again"):
        enrolled(state, collector, token)
    enrolled(state, collector, token, again=True)

    first, second = collector.recorded.enrolments
    assert first.public_key != second.public_key


def test_a_refused_replacement_leaves_the_old_identity(state, collector, token):
    enrolled(state, collector, token)
    before = IdentityFolder(state).load().enrolment
    collector.recorded.script.append(Reply(403, detail="token used"))

    with pytest.raises(EnrolmentRefused, match="403: token used"):
        enrolled(state, collector, token, again=True)

    assert IdentityFolder(state).load().enrolment == before


@pytest.mark.parametrize("text", ["", "ww2.a.b.c", "ww1.a.b", "not a token"])
def test_what_is_no_token_is_refused(tmp_path, text):
    path = tmp_path / "token"
    path.write_text(text)

    with pytest.raises(EnrolmentRefused, match="holds no token"):
        read_token(path)


def test_a_damaged_identity_says_what_to_do(state, collector, token):
    enrolled(state, collector, token)
    (state / "identity.json").write_text("{")

    with pytest.raises(NotEnrolled, match="enrol with --again"):
        IdentityFolder(state).load()


def test_an_unenrolled_machine_says_what_to_do(state):
    with pytest.raises(NotEnrolled, match="wardwatch-agent enrol --collector URL"):
        IdentityFolder(state).load()


def test_the_command_enrols_and_tells_its_name(state, collector, token):
    command = ["enrol", "--collector", collector.url, "--token-file", token, "--state-dir", state]
    done = subprocess.run(
        [sys.executable, "-m", "agent", *command],
        capture_output=True,
        text=True,
        env={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9"},
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"enrolled as agent-1 at {collector.url}\n"
