"""The process that `test_judge_killed` kills: the judge and the mailer, until it dies.

Arguments: the state folder and the port of the mail server.
"""

import sys
import threading
import time
from pathlib import Path

from checks.check import discover
from checks.policy import Policy, parse_policy
from collector.alerts.links import Links
from collector.alerts.mailer import Mailer
from collector.alerts.smtp import SmtpSettings, SmtpTransport
from collector.judge import Judge
from collector.store.engine import open_journal, open_store
from tests.fakes.batches import LINK_KEY, POLICY
from tests.fakes.journal import RecordedChanges, TableJournal


class FixedPolicy:
    """Fits `collector.ports.PolicySource` for a policy that nobody changes."""

    def current(self) -> Policy:
        return parse_policy(POLICY, version=1)

    def text(self) -> str:
        return POLICY

    def apply(self, text: str, *, actor: str, over: int | None = None) -> Policy:
        raise NotImplementedError("this policy stays")


def main(folder: Path, port: int) -> None:
    store, journal = open_store(folder), TableJournal(open_journal(folder))
    checks = discover()
    smtp = SmtpSettings(host="127.0.0.1", port=port, sender="wardwatch@hospital.example")
    mailer = Mailer(
        journal=journal,
        store=store,
        policies=FixedPolicy(),
        checks=checks,
        clock=lambda: time.time_ns() // 1000,
        transport=SmtpTransport(smtp),
        links=Links(LINK_KEY),
        sender=smtp.sender,
        base_url="https://wardwatch.hospital.example",
    )
    judge = Judge(journal=journal, store=store, changes=RecordedChanges(), checks=checks)
    forever = threading.Event()
    threading.Thread(target=mailer.run, args=(forever,), daemon=True).start()
    judge.run(forever)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
