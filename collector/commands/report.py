"""A report from a shell, or from a timer."""

import sys
from pathlib import Path
from typing import Literal

from collector.app import wall_clock
from collector.commands.opened import ConfigFile, WrongUsage, journal_of, settings_of, state_of
from collector.durable import write_durably
from collector.i18n import translator
from collector.policies import SqlPolicies
from collector.reports.forms import FORMS, Form, form_called
from collector.reports.making import make_report
from collector.reports.period import PeriodWrong, last_month, period_of
from collector.speech import say
from collector.store.engine import open_store


def report(
    period: str = "",
    *,
    out: Path | None = None,
    form: Form = "pdf",
    language: Literal["zh_CN", "en"] | None = None,
    config: ConfigFile = None,
) -> None:
    """Write the report of a period: by clause, rule, department and person in charge.

    Example: wardwatch-collector report 2026-10 --out october.pdf

    Parameters
    ----------
    period
        2026-11-23, 2026-W48, 2026-11, 2026, or 2026-11-01..2026-11-15; without one, last month.
    out
        The file to write; its ending says the form.  Without one, standard output.
    form
        pdf, xlsx or csv, where no file says it.
    language
        zh_CN or en; without one, the language of the hospital's mails.
    config
        The settings, instead of /etc/wardwatch/collector.toml.
    """
    chosen = _form_of(out) if out else form
    settings = settings_of(config)
    with journal_of(settings) as journal:
        policy = SqlPolicies(journal.engine, journal.writer).current()
    timezone, now_us = policy.hospital.timezone, wall_clock()
    try:
        wanted = period_of(period, timezone) if period else last_month(now_us, timezone)
    except PeriodWrong as wrong:
        raise WrongUsage(str(wrong)) from wrong
    store = open_store(state_of(settings))
    try:
        made = make_report(store, policy, wanted, now_us=now_us)
    finally:
        store.dispose()
    writer, _ = FORMS[chosen]
    content = writer(made, translator(language or policy.hospital.language))
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        write_durably(out, content)
        say(f"wrote {out}")


def _form_of(file: Path) -> Form:
    """Raises WrongUsage."""
    found = form_called(file.suffix.removeprefix("."))
    if found is None:
        raise WrongUsage(f"{file}: name a file that ends in .pdf, .xlsx or .csv")
    return found
