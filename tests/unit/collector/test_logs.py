import json
import logging
import sys

from collector.logs import JsonLines


def record(**more) -> logging.LogRecord:
    made = logging.LogRecord("collector.app", logging.WARNING, "app.py", 1, "late", (), None)
    made.created = 1_795_000_000.5
    vars(made).update(more)
    return made


def test_an_event_is_one_line_of_json_with_its_fields():
    line = JsonLines().format(record(agent="pc1", place="内科\n三病区"))

    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-11-18T11:06:40.500Z",
        "level": "warning",
        "room": "collector.app",
        "event": "late",
        "agent": "pc1",
        "place": "内科\n三病区",
    }


def test_a_cause_keeps_its_trace():
    try:
        int("why")
    except ValueError:
        line = JsonLines().format(record(exc_info=sys.exc_info()))

    assert "ValueError: invalid literal" in json.loads(line)["trace"]
