from collector.dashboard.month import DAYS, HEIGHT, WIDTH, Bar, Month, days_until
from collector.queries.daily import DayCount

NOON_US = 1_795_492_800_000_000  # 2026-11-24 04:00 UTC
LATE_US = NOON_US + 13 * 3600 * 1_000_000


def made(counts: dict[int, tuple[int, int]], shares: list[float | None]) -> Month:
    days = [
        DayCount(day=f"d{n}", opened=counts.get(n, (0, 0))[0], closed=counts.get(n, (0, 0))[1])
        for n in range(len(shares))
    ]
    return Month(days, shares)


def test_the_days_are_those_of_the_hospital_s_calendar():
    shanghai, london = days_until(LATE_US, "Asia/Shanghai"), days_until(LATE_US, "Europe/London")

    assert len(shanghai) == len(london) == DAYS
    assert (shanghai[0], shanghai[-1]) == ("2026-10-27", "2026-11-25")
    assert london[-1] == "2026-11-24"


def test_the_highest_number_fills_the_height_and_nothing_is_nothing():
    month = made({0: (4, 0), 1: (1, 2)}, [1.0] * DAYS)

    assert (month.opened, month.closed, month.most) == (5, 2, 4)
    assert month.bars("opened")[:2] == [
        Bar(x=1.0, y=0.0, height=float(HEIGHT)),
        Bar(x=11.0, y=45.0, height=15.0),
    ]
    assert month.bars("closed")[0].height == 0
    assert month.bars("closed")[1].height == 30.0


def test_a_month_without_a_case_is_flat():
    month = made({}, [None] * DAYS)

    assert month.most == 1
    assert {bar.height for bar in month.bars("opened")} == {0}
    assert month.lines() == []


def test_the_line_has_a_gap_where_nothing_was_enrolled():
    month = made({}, [None, 1.0, 0.5, None, 0.0])

    assert month.lines() == ["15,1.0 25,30.0", "45,59.0 45,59.0"]
    assert WIDTH == DAYS * 10
