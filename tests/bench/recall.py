"""Recall and false alarms of each rule over the scenarios of `tests.recall`.

`recall` is the share of the played scenarios of a rule in which it spoke, and of every
outside flow that the capture saw; `false_alarm` counts scenarios in which it must not have.
"""

from tests.bench.figures import Figure
from tests.recall.run import WORLDS, play
from tests.recall.scenarios import SCENARIOS
from tests.recall.table import ALL, QUIET, rows

LOAD = f"scenarios in {WORLDS} wards side by side, against a capture outside"
_EVERY_SMALL = 6


def measure(*, small: bool) -> list[Figure]:
    chosen = SCENARIOS[:: _EVERY_SMALL if small else 1]
    figures = []
    for rule, row in rows(play(chosen)).items():
        name = "ext.all" if rule == ALL else rule.lower().replace("-", ".")
        if row.played and rule != QUIET:
            recall = round(row.recall, 4)
            figures.append(
                Figure(name=f"recall.{name}", value=recall, unit="share", n=row.played, load=LOAD)
            )
        if rule != QUIET:
            figures.append(
                Figure(
                    name=f"false_alarm.{name}",
                    value=row.false_alarms,
                    unit="cases",
                    n=len(chosen),
                    load=LOAD,
                )
            )
    return figures
