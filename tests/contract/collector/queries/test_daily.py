from sqlalchemy import insert

from collector.queries.daily import DayCount, RuleCount, day_counts, top_rules
from collector.store import schema

DAYS = ["2026-11-22", "2026-11-23", "2026-11-24"]


def count(store, day: str, rule: str, opened: int, closed: int = 0, **more) -> None:
    row = {"severity": "high", "department": "检验科", **more}
    with store.begin() as connection:
        connection.execute(
            insert(schema.daily_counts).values(
                day=day, rule=rule, opened=opened, closed=closed, **row
            )
        )


def test_a_day_is_the_sum_of_its_lines_and_one_without_any_is_nothing(store):
    count(store, DAYS[0], "EXT-01", 2, 1)
    count(store, DAYS[0], "EXT-01", 3, 4, department="")
    count(store, DAYS[2], "MED-01", 1)
    count(store, "2026-11-21", "MED-01", 7)
    count(store, "2026-11-25", "MED-01", 7)

    assert day_counts(store, DAYS) == [
        DayCount(day=DAYS[0], opened=5, closed=5),
        DayCount(day=DAYS[1]),
        DayCount(day=DAYS[2], opened=1),
    ]


def test_the_rules_that_opened_most_come_first_and_none_that_opened_nothing(store):
    count(store, DAYS[0], "EXT-01", 2)
    count(store, DAYS[1], "EXT-01", 2)
    count(store, DAYS[1], "MED-01", 3)
    count(store, DAYS[1], "MED-02", 3)
    count(store, DAYS[2], "AV-01", 0, 5)
    count(store, "2026-11-21", "AV-02", 9)

    assert top_rules(store, DAYS, limit=2) == [
        RuleCount(rule="EXT-01", opened=4),
        RuleCount(rule="MED-01", opened=3),
    ]
    assert [each.rule for each in top_rules(store, DAYS, limit=9)] == ["EXT-01", "MED-01", "MED-02"]
