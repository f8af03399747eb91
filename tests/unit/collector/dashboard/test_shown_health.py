from checks.facts.health import (
    AgentStarted,
    AgentStopping,
    AgentTampered,
    EndpointSilent,
    SensorGap,
)
from collector.dashboard.shown_health import gap, silent, started, stopping, tampered
from collector.dashboard.wording import Words
from collector.i18n import translator

NOW = 1_795_000_000_000_000
MINUTE = 60_000_000
ENGLISH = Words(translator("en"), "Asia/Shanghai", NOW)
CHINESE = Words(translator("zh_CN"), "Asia/Shanghai", NOW)


def texts(lines) -> dict[str, str]:
    return {line.label: line.text for line in lines if line.text}


def moments(lines) -> dict[str, int]:
    return {line.label: line.moment_us for line in lines if line.moment_us}


def begun(**changes) -> AgentStarted:
    fields = {"version": "0.1.0", "host": "NK3-PC-017", "system": "Debian 12", "machine": "m"}
    return AgentStarted(**{**fields, "previous_end": "killed", **changes})


def test_a_start_tells_how_the_last_run_ended_and_what_is_another_since():
    fact = begun(previous_seen_us=NOW - MINUTE, changed=("binary", "policy"), traced_by="/bin/gdb")

    assert texts(started(fact, ENGLISH)) == {
        "Last run ended": "killed without a word",
        "Changed": "program, policy",
        "Debugger": "/bin/gdb",
        "Computer": "NK3-PC-017",
        "System": "Debian 12",
        "Client version": "0.1.0",
    }
    assert moments(started(fact, ENGLISH)) == {"Last heard before": NOW - MINUTE}


def test_a_start_with_nothing_unusual_says_nothing_of_it():
    assert set(texts(started(begun(previous_end="first"), ENGLISH))) == {
        "Last run ended",
        "Computer",
        "System",
        "Client version",
    }


def test_a_goodbye_tells_its_reason():
    assert texts(stopping(AgentStopping(reason="suspend"), ENGLISH)) == {"Reason": "suspend"}


def test_tampering_tells_with_what():
    fact = AgentTampered(what="debugged", detail="/usr/bin/gdb")

    assert texts(tampered(fact, ENGLISH)) == {"What": "debugged", "Detail": "/usr/bin/gdb"}


def test_a_gap_tells_from_when_until_when_and_how_many_were_lost():
    fact = SensorGap(
        sensor="connections", cause="overrun", from_us=NOW - MINUTE, to_us=NOW, lost=12
    )

    said = texts(gap(fact, ENGLISH))

    assert (said["Cause"], said["Lost"]) == ("overrun", "12")
    assert moments(gap(fact, ENGLISH)) == {"From": NOW - MINUTE, "Until": NOW}


def test_a_gap_in_which_nobody_knows_what_was_lost_tells_no_number():
    fact = SensorGap(sensor="connections", cause="asleep", from_us=1, to_us=2)

    assert "Lost" not in texts(gap(fact, ENGLISH))


def test_silence_tells_who_saw_the_machine_alive_or_that_nobody_did():
    fact = EndpointSilent(
        endpoint="a-1", last_heard_us=NOW, silent_for_us=5 * MINUTE, witnesses=("a-2", "a-3")
    )
    alone = EndpointSilent(endpoint="a-1", last_heard_us=NOW, silent_for_us=MINUTE, witnesses=())

    assert texts(silent(fact, ENGLISH))["Seen alive by"] == "a-2, a-3"
    assert texts(silent(alone, ENGLISH))["Seen alive by"] == "nobody: it may be switched off"
    assert texts(silent(fact, ENGLISH))["Silent for"] == ENGLISH.span(5 * MINUTE)


def test_all_of_it_is_said_in_chinese_too():
    facts = (
        (started, begun(previous_seen_us=NOW, changed=("binary",), traced_by="gdb")),
        (stopping, AgentStopping(reason="removed")),
        (tampered, AgentTampered(what="policy", detail="x")),
        (gap, SensorGap(sensor="connections", cause="overrun", from_us=1, to_us=2, lost=1)),
        (silent, EndpointSilent(endpoint="a", last_heard_us=1, silent_for_us=1, witnesses=())),
    )

    english = [line.label for shows, fact in facts for line in shows(fact, ENGLISH)]
    chinese = [line.label for shows, fact in facts for line in shows(fact, CHINESE)]

    assert len(english) == len(chinese) == 19
    assert [label for label in chinese if label.isascii()] == []
