"""Reports leave by themselves: over real SMTP, once each, whatever is restarted or rebuilt."""

import io
from email.header import decode_header, make_header

import pytest
from openpyxl import load_workbook

from collector.alerts.report_mail import ATTACHED
from collector.clocks import local_time
from collector.judge import rebuild
from collector.reports.forms import file_name
from collector.reports.period import period_of
from collector.store import schema
from collector.store.engine import open_store
from tests.contract.test_mailer import HOUR_US, Hospital
from tests.fakes.batches import POLICY
from tests.fakes.mailserver import Mailbox, serving

HEAD = "head@hospital.example"
WANTED = POLICY + f'\n[[mail.recipients]]\naddress = "{HEAD}"\nreports = ["day"]\n'
DAY_US = 24 * HOUR_US


@pytest.fixture
def store(tmp_path):
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


def run(hospital, port):
    mailer = hospital.mailer(port)
    mailer.find_reports()
    while mailer.step():
        hospital.now_us += 1


def brought(mailbox):
    """The mails with a report: subject, recipients, parts."""
    return [
        (str(make_header(decode_header(mail["Subject"]))), reached, mail)
        for mail, reached in zip(mailbox.mails, mailbox.reached, strict=True)
        if any(part.get_filename() for part in mail.walk())
    ]


def test_the_days_report_leaves_once_with_its_files_and_figures(store):
    mailbox = Mailbox()
    hospital = Hospital(store, WANTED)
    hospital.violation()
    day = local_time(hospital.now_us, hospital.policy.hospital.timezone).date()
    hospital.now_us += 2 * DAY_US

    with serving(mailbox) as port:
        hospital.now_us -= DAY_US
        run(hospital, port)
        run(hospital, port)
        hospital.judge_all()
        rebuild(store, hospital.journal)
        hospital.judge_all()
        run(hospital, port)

    [(subject, reached, mail)] = brought(mailbox)
    assert f"{day}：新增 1 起" in subject
    assert reached == (HEAD,)
    files = {
        part.get_filename(): part.get_payload(decode=True)
        for part in mail.walk()
        if part.get_filename()
    }
    period = period_of(f"{day}", "UTC")
    assert [*files] == [file_name(period, form) for form in ATTACHED]
    assert files[f"wardwatch-{day}.pdf"].startswith(b"%PDF")
    book = load_workbook(io.BytesIO(files[f"wardwatch-{day}.xlsx"]))
    rows = {row[0].value: row[1].value for row in book.worksheets[0].iter_rows(max_col=2)}
    assert rows["新增"] == 1


def test_a_time_before_the_first_endpoint_has_no_report(store):
    mailbox = Mailbox()
    hospital = Hospital(store, WANTED)
    hospital.judge_all()

    with serving(mailbox) as port:
        run(hospital, port)

    assert brought(mailbox) == []
