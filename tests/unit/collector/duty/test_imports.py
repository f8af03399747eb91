import pytest

from collector.clocks import local_time
from collector.duty.imports import BAD_MOMENT, NO_COLUMN, NO_ROWS, read_roster
from collector.duty.roster import BAD_ADDRESS, ENDS_FIRST
from collector.sheets import TOO_MANY_ROWS, rows_of

ZONE = "Asia/Shanghai"
HEADING = "开始,结束,姓名,邮箱,电话"
ROW = "2026-11-23 08:00,2026-11-23 20:00,林晓棠,lin@hospital.example,8317"


def read(*lines: str):
    return read_roster(rows_of("\r\n".join(lines).encode("gb18030")), ZONE)


def test_a_week_is_read_in_the_hospitals_own_time():
    [shift] = read(HEADING, ROW, "").shifts

    assert local_time(shift.from_us, ZONE).isoformat() == "2026-11-23T08:00:00+08:00"
    assert (shift.to_us - shift.from_us) // 3_600_000_000 == 12
    assert (shift.person, shift.phone) == ("林晓棠", "8317")


def test_columns_come_in_any_order_in_either_language_and_the_telephone_may_lack():
    reading = read(
        "person,Address,from,to", "Lin,lin@hospital.example,2026/11/23 08:00,2026-11-23T20:00"
    )

    assert [shift.person for shift in reading.shifts] == ["Lin"]
    assert reading.shifts[0].phone == ""


@pytest.mark.parametrize(
    ("lines", "faults"),
    [
        (["姓名,邮箱", "a,b"], [(1, NO_COLUMN)]),
        ([HEADING], [(1, NO_ROWS)]),
        ([HEADING, ROW, "soon,2026-11-23 20:00,a,a@h.example,"], [(3, BAD_MOMENT)]),
        ([HEADING, ROW.replace("20:00", "07:00")], [(2, ENDS_FIRST)]),
        ([HEADING, "", ROW.replace("lin@", "lin ")], [(3, BAD_ADDRESS)]),
        ([HEADING, "2026-11-23 08:00"], [(2, BAD_MOMENT)]),
        ([HEADING, *[ROW] * 1_001], [(1, TOO_MANY_ROWS)]),
    ],
)
def test_with_a_mistake_in_any_row_nothing_is_read_and_the_row_is_told(lines, faults):
    reading = read(*lines)

    assert [(fault.row, fault.message) for fault in reading.faults] == faults
    assert reading.shifts == ()
