import msgspec
import pytest

from checks.policy import Endpoint
from collector.columns import CellWrong
from collector.endpoints.columns import FIELDS, HEARD, fields_of, headings, line_from, row_of
from collector.i18n import translator
from collector.judging.records import EndpointRecord

CHINESE, ENGLISH = translator("zh_CN"), translator("en")
LINE = Endpoint(
    id="icu-001",
    name="ICU-PC-001",
    department="重症医学科",
    owner="何雨桐",
    phone="8301",
    place="住院楼 3 层",
    zone="业务内网",
    protection_level=2,
    clinical="life_support",
    groups=("night", "windows"),
)
RECORD = EndpointRecord(
    registered=LINE, host="icu-pc", version="0.1.0", last_heard_us=1_795_000_000_000_000
)


@pytest.mark.parametrize("says", [CHINESE, ENGLISH], ids=["zh", "en"])
@pytest.mark.parametrize("line", [LINE, Endpoint(id="a", name="A", clinical="our own class")])
def test_a_line_goes_out_and_comes_in_as_it_was(says, line):
    columns = fields_of(headings(says))
    record = msgspec.structs.replace(RECORD, registered=line)

    cells = row_of(record, says, timezone="Asia/Shanghai")

    assert line_from(cells, columns, Endpoint(id=line.id)) == line


def test_an_export_says_what_was_heard_in_words_and_by_the_hospitals_clock():
    assert row_of(RECORD, CHINESE, timezone="Asia/Shanghai")[-4:] == [
        "icu-pc",
        "在线",
        "0.1.0",
        "2026-11-18 19:06:40",
    ]
    assert row_of(EndpointRecord(registered=LINE), ENGLISH, timezone="UTC")[-1] == ""


def test_what_was_heard_is_known_by_its_heading_and_not_taken_in():
    columns = fields_of([*headings(CHINESE)])

    assert set(columns.values()) == set(FIELDS)
    assert len(headings(CHINESE)) == len({*FIELDS, *HEARD}) == len(set(headings(ENGLISH)))


def test_without_id_and_name_nobody_is_meant():
    with pytest.raises(CellWrong, match="no column for the endpoint's id or its name"):
        fields_of(["owner"])


def test_a_column_that_is_left_out_stays_and_an_empty_cell_empties():
    columns = {0: "id", 1: "owner", 2: "place"}

    line = line_from(["icu-001", "", "5F"], columns, LINE)

    assert line == msgspec.structs.replace(LINE, owner="", place="5F")


@pytest.mark.parametrize(
    ("cells", "name"), [(["icu-001", "NEW"], "NEW"), (["", "icu-pc-001"], "ICU-PC-001")]
)
def test_a_name_is_changed_where_the_id_says_who_is_meant(cells, name):
    assert line_from(cells, {0: "id", 1: "name"}, LINE).name == name


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("groups", "a\N{FULLWIDTH COMMA}b、c", ("a", "b", "c")),
        ("groups", "", ()),
        ("clinical", "手术", "手术"),
        ("clinical", "LIFE_SUPPORT", "life_support"),
        ("protection_level", "3", 3),
        ("protection_level", "", 2),
    ],
)
def test_how_people_write_it(name, text, value):
    line = line_from(["icu-001", text], {0: "id", 1: name}, LINE)

    assert getattr(line, name) == value


def test_a_clinical_class_is_known_by_its_word_in_either_language():
    for says in (CHINESE, ENGLISH):
        word = says.word("clinical_class", "theatre")
        assert line_from(["x", word], {0: "id", 1: "clinical"}, LINE).clinical == "theatre"


@pytest.mark.parametrize("text", ["4", "third", "\N{ARABIC-INDIC DIGIT THREE}", "9" * 5000])
def test_a_protection_level_is_two_or_three(text):
    with pytest.raises(CellWrong) as wrong:
        line_from(["x", text], {0: "id", 1: "protection_level"}, LINE)

    assert wrong.value.params["field"] == "protection_level"


def test_what_an_agent_says_of_itself_steers_nothing():
    record = msgspec.structs.replace(RECORD, host="a\u202eb", version="\x1b[31m1")

    cells = row_of(record, ENGLISH, timezone="UTC")

    assert (cells[-4], cells[-2]) == ("ab", "[31m1")
