"""A report as tables of words and numbers, in one language: what page, PDF, Excel and CSV show."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

import msgspec

from checks.finding import Severity
from collector.citations import frameworks, rule_name
from collector.i18n import Translator
from collector.queries.cases import NOBODY
from collector.reports.figures import COUNTED, Counted, Line, Report, Tally
from collector.reports.making import REGULATION
from collector.sheets import Cell, book_of, csv_of

HOUR_US = 3600 * 1_000_000
CLAUSES, RULES, DEPARTMENTS, PEOPLE = "By clause", "By rule", "By department", "By person in charge"
BLIND = "What was not watched"
COUNTED_NAMES = {
    "opened": "Newly opened",
    "closed": "Closed in it",
    "mistaken": "False alarms",
    "left": "Open at the end",
    "overdue": "Overdue at the end",
}
"""`counted` → the heading of its column."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number, and the address of the list of its cases; empty for none."""

    number: int
    address: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`name` of what is counted, `more` about it; `share` as text, empty where it is no
    question; one figure for each of COUNTED.
    """

    name: str
    more: str = ""
    figures: tuple[Figure, ...]
    share: str = ""
    is_none: bool = False


class TableOf(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    heading: str
    rows: tuple[Row, ...]


NOTHING = "Nothing happened. Of the time of all endpoints ({endpoints}), {share} was watched."
SOMETHING = (
    "Cases opened: {opened}, closed: {closed}, open at the end: {left}. "
    "Of the time of all endpoints ({endpoints}), {share} was watched."
)
NOT_OVER = "This period is not over; it is counted until now."
ALL_THE_TIME = "Every endpoint was watched all the time."


def percent(share: float) -> str:
    """Rounded down: 99.996 % is not 100 %."""
    return f"{int(share * 10_000) / 100:.2f} %"


def sentence(report: Report, says: Translator) -> str:
    """What the period brought, in one sentence."""
    told = {
        "opened": f"{report.total.opened:,}",
        "closed": f"{report.total.closed:,}",
        "left": f"{report.total.left:,}",
        "endpoints": f"{report.endpoints:,}",
        "share": percent(report.share),
    }
    if report.endpoints == 0:
        return says.gettext("No endpoint was enrolled: nothing was watched.")
    if report.total.is_none:
        return says.format(NOTHING, told)
    return says.format(SOMETHING, told)


def total_row(report: Report, says: Translator) -> Row:
    return _row(report, says.gettext("All"), report.total, share=report.share)


def tables_of(report: Report, says: Translator) -> Iterator[TableOf]:
    """By clause, rule, department and person in charge."""
    yield TableOf(
        title=says.gettext(CLAUSES),
        heading=says.gettext("Clause"),
        rows=tuple(_clause(report, line, says) for line in report.clauses),
    )
    yield TableOf(
        title=says.gettext(RULES),
        heading=says.gettext("Rule"),
        rows=tuple(_rule(report, line, says) for line in report.rules),
    )
    yield TableOf(
        title=says.gettext(DEPARTMENTS),
        heading=says.gettext("Department"),
        rows=tuple(
            _named(report, line, "department", says.gettext("no department"))
            for line in report.departments
        ),
    )
    yield TableOf(
        title=says.gettext(PEOPLE),
        heading=says.gettext("Person in charge"),
        rows=tuple(
            _named(report, line, "owner", says.gettext("nobody is named")) for line in report.people
        ),
    )


def severities_of(report: Report, says: Translator) -> Sequence[tuple[Severity, str, Figure]]:
    """What was opened, by severity, gravest first."""
    return [
        (
            severity,
            says.word("severity", severity.value),
            _figure(report, report.total.severities[severity], "opened", severity=severity.value),
        )
        for severity in Severity
    ]


def blind_of(report: Report, says: Translator) -> Sequence[tuple[str, int, float]]:
    """Cause, endpoints, hours of all of them together."""
    return [
        (says.word("cause", each.cause), each.endpoints, round(each.length_us / HOUR_US, 1))
        for each in report.blind
    ]


def headings(says: Translator) -> list[str]:
    return [says.gettext(COUNTED_NAMES[each]) for each in COUNTED]


def report_csv(report: Report, says: Translator) -> bytes:
    """One table after the other, an empty line between them."""
    rows: list[Sequence[Cell]] = []
    for title, table in _sheets(report, says):
        rows += [[title], *table, []]
    return csv_of(rows)


def report_xlsx(report: Report, says: Translator) -> bytes:
    return book_of(_sheets(report, says))


def _sheets(report: Report, says: Translator) -> Iterator[tuple[str, list[Sequence[Cell]]]]:
    yield says.gettext("Report"), _summary(report, says)
    for table in tables_of(report, says):
        watched = says.gettext("Watched")
        head: Sequence[Cell] = [table.heading, "", *headings(says), watched]
        yield table.title, [head, *(_plain(row) for row in table.rows)]
    causes = [says.gettext(each) for each in ("Cause", "Endpoints", "Hours")]
    yield says.gettext(BLIND), [causes, *blind_of(report, says)]


def _summary(report: Report, says: Translator) -> list[Sequence[Cell]]:
    period = report.period
    counted = total_row(report, says).figures
    rows: list[Sequence[Cell]] = [
        [says.gettext("Hospital"), report.hospital],
        [says.gettext("Period"), f"{period.first} – {period.last}"],
        [says.gettext("Endpoints"), report.endpoints],
        [says.gettext("Watched"), percent(report.share)],
    ]
    rows += [[name, one.number] for name, one in zip(headings(says), counted, strict=True)]
    rows += [[name, one.number] for _, name, one in severities_of(report, says)]
    return [*rows, [says.gettext("Policy version"), report.policy_version]]


def _plain(row: Row) -> Sequence[Cell]:
    return [row.name, row.more, *(figure.number for figure in row.figures), row.share]


def _clause(report: Report, line: Line, says: Translator) -> Row:
    clause = next(each for each in frameworks()[REGULATION].clauses if each.id == line.key)
    chinese = says.language == "zh_CN"
    cite = clause.cite_zh if chinese else clause.cite_en
    title = clause.title_zh if chinese else clause.title_en
    return _row(
        report, cite or clause.id, line.tally, more=title, share=line.share, rule=line.rules
    )


def _rule(report: Report, line: Line, says: Translator) -> Row:
    name = rule_name(line.key, says.language)
    return _row(report, line.key, line.tally, more=name, share=line.share, rule=line.key)


def _named(report: Report, line: Line, narrows: str, nobody: str) -> Row:
    name = line.key or nobody
    wanted = {narrows: line.key or NOBODY}
    return _row(report, name, line.tally, share=line.share, **wanted)


def _row(
    report: Report,
    name: str,
    tally: Tally,
    *,
    more: str = "",
    share: float | None = None,
    **narrowed: str | Sequence[str],
) -> Row:
    return Row(
        name=name,
        more=more,
        figures=tuple(_figure(report, tally.of(each), each, **narrowed) for each in COUNTED),
        share="" if share is None else percent(share),
        is_none=tally.is_none,
    )


def _figure(
    report: Report, number: int, counted: Counted, **narrowed: str | Sequence[str]
) -> Figure:
    if not number:
        return Figure(number=0)
    asked = {"state": "all", "during": report.period.name, "counted": counted, **narrowed}
    return Figure(number=number, address=f"/cases?{urlencode(asked, doseq=True)}")
