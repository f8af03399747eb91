"""The station's page speaks of everything that it may have to, in both languages."""

import json
import re
from importlib.resources import files
from typing import get_args

import pytest

from agent.media.board import State
from checks.facts.media import Closed, LeftOut

SOURCE = files("agent.station").joinpath("station.js").read_text("utf-8")
WORDS = json.loads(files("agent.station").joinpath("words.json").read_text("utf-8"))
FAILED = ("infected", "incomplete", "engine", "full", "unverified", "gone", "unwritable")
NEEDED = (
    *(f"{state}{part}" for state in get_args(State) for part in ("", "_more")),
    *(f"skipped_{reason}" for reason in get_args(LeftOut)),
    *(f"why_{closed}" for closed in get_args(Closed) if closed),
    *(f"copy_{reason}" for reason in FAILED),
    *re.findall(r"""say\("(\w+)""", SOURCE),
)


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_no_word_is_missing(language):
    assert len(NEEDED) > 40
    assert [name for name in NEEDED if not WORDS[language].get(name)] == []


def test_both_languages_fill_in_the_same():
    places = [
        {name: sorted(re.findall(r"\{\w+\}", text)) for name, text in WORDS[language].items()}
        for language in ("zh_CN", "en")
    ]

    assert places[0] == places[1]
