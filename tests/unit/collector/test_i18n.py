import pytest

from collector.i18n import UnknownLanguage, language_for, translator
from tests.support.messages import sentences, words

CHINESE, ENGLISH = translator("zh_CN"), translator("en")


def test_every_sentence_of_the_pages_is_said_in_chinese():
    said = sentences()

    assert len(said) > 150
    assert sorted(each for each in said if not CHINESE.knows(each)) == []


def test_every_word_of_the_product_is_said_in_both_languages():
    said = list(words())

    assert len(said) > 100
    missing = [
        (vocabulary, value)
        for vocabulary, value in said
        for language in (CHINESE, ENGLISH)
        if not language.knows(value, vocabulary)
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh_CN"),
        ("en", "en"),
        ("en-GB,zh;q=0.9", "en"),
        ("fr, zh-CN;q=0.8, en;q=0.9", "en"),
        ("en;q=0, zh", "zh_CN"),
        ("en;q=rubbish", "zh_CN"),
    ],
)
def test_the_language_is_the_first_known_wish(header, language):
    assert language_for(header) == language


def test_a_missing_place_is_shown_and_a_hostile_value_is_no_format():
    said = ENGLISH.format("{a} and {b}", {"a": "{b.__class__} %s"})

    assert said == "{b.__class__} %s and ?"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("the agent was stopped", "The agent was stopped"),
        ("{link_kind} is up", "Modem is up"),
        ("{process} asked", "An unknown process asked"),
        ("{interface} has it", "usb0 has it"),
        ("{medium} has it", "? has it"),
    ],
)
def test_a_line_of_its_own_begins_with_a_capital_unless_a_name_does(message, said):
    params = {"link_kind": "modem", "process": "?", "interface": "usb0"}

    assert ENGLISH.sentence(message, params) == said


def test_the_values_of_word_places_are_words():
    assert CHINESE.format("{link_kind}", {"link_kind": "modem"}) == "上网卡"
    assert CHINESE.format("{left_out}", {"left_out": "unreadable"}) == "无法读取"


def test_plurals_follow_the_language():
    singular, plural = "{number} case", "{number} cases"

    assert ENGLISH.ngettext(singular, plural, 1) == "1 case"
    assert ENGLISH.ngettext(singular, plural, 2) == "2 cases"
    assert CHINESE.ngettext(singular, plural, 2) == "2 个事件"


def test_an_unknown_language_is_refused_by_name():
    with pytest.raises(UnknownLanguage, match="'de': the languages are zh_CN, en"):
        translator("de")
