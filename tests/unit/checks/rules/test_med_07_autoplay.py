import pytest

from checks.facts.autoplay import Autoplay, AutoplayState
from checks.finding import Outcome
from tests.samples import judged

SCHEMAS = "/usr/share/glib-2.0/schemas/gschemas.compiled"
OPENS = "{desktop} opens media as soon as they are plugged in ({source})"
RUNS = "{desktop} starts programs as soon as media are plugged in ({source})"
BOTH = "{desktop} opens media and starts programs as soon as they are plugged in ({source})"


def setting(effect, whose="default", desktop="GNOME", source=SCHEMAS):
    return Autoplay(desktop=desktop, effect=effect, whose=whose, source=source)


def told(*settings):
    return [
        (verdict.finding.subject, verdict.finding.message, verdict.finding.params["source"])
        for verdict in judged(AutoplayState(settings=settings))
        if verdict.outcome is Outcome.FAIL
    ]


@pytest.mark.parametrize(
    ("what", "settings", "expected"),
    [
        ("no desktop", [], []),
        ("it only mounts", [setting("mount")], []),
        ("it opens", [setting("mount"), setting("open")], [("GNOME", OPENS, SCHEMAS)]),
        ("it starts programs", [setting("run")], [("GNOME", RUNS, SCHEMAS)]),
        ("both", [setting("open"), setting("run")], [("GNOME", BOTH, SCHEMAS)]),
        (
            "an account's own",
            [setting("open", "user", source="/home/a/.config/dconf/user")],
            [("GNOME", OPENS, "/home/a/.config/dconf/user")],
        ),
        (
            "the machine's word before an account's",
            [
                setting("run", "user", source="/home/a/x"),
                setting("open", "system", source="/etc/x"),
            ],
            [("GNOME", BOTH, "/etc/x")],
        ),
        (
            "each desktop by itself",
            [setting("open", desktop="UKUI"), setting("run", "system", "udev", "/etc/u.rules")],
            [("UKUI", OPENS, SCHEMAS), ("udev", RUNS, "/etc/u.rules")],
        ),
    ],
)
def test_what_is_done_with_media_by_itself_is_judged(what, settings, expected):
    assert told(*settings) == expected, what


def test_autoplay_raises_its_own_rule_only_and_is_medium():
    verdicts = judged(AutoplayState(settings=(setting("open"),)))

    assert [(verdict.rule, verdict.severity) for verdict in verdicts] == [("MED-07", "medium")]
