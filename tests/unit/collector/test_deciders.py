import pytest

from collector.deciders import decider
from collector.i18n import translator


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("default", "默认"),
        ("beacon", "外部信标作证"),
        ("written by a later version", "written by a later version"),
    ],
)
def test_who_decided_is_said_in_chinese(by, said):
    assert decider(by, translator("zh_CN")) == said


def test_the_entry_s_name_stays_as_the_hospital_wrote_it():
    assert "{x} %s" in decider("deny {x} %s", translator("zh_CN"))
    assert decider("deny {x} %s", translator("zh_CN")) != "deny {x} %s"
