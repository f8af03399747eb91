"""wardwatch-collector: what an administrator does from a shell.

Commands write into the same databases as a running collector, which notices at once.
Passwords come from a file or are asked for; they never stand among the arguments.
"""

from cyclopts import App, CycloptsError
from sqlalchemy.exc import OperationalError

from checks.policy import PolicyError
from collector import auth
from collector.backup import BackupRefused
from collector.commands import state
from collector.commands.agents import agents, enrol_token
from collector.commands.beacon import beacon
from collector.commands.channels import channel
from collector.commands.endpoints import endpoint
from collector.commands.hosts import host
from collector.commands.mail import mail_test
from collector.commands.media import media
from collector.commands.opened import CommandFailed, WrongUsage
from collector.commands.people import token, user
from collector.commands.policy import policy
from collector.commands.receipts import receipt
from collector.commands.report import report
from collector.config import ConfigError
from collector.ingest import enrolment
from collector.ingest.trust import NotTrusted
from collector.ingest.writer import JournalFailed
from collector.keys import KeysMissing
from collector.policies import NoPolicy, PolicyChanged
from collector.server import CannotListen
from collector.speech import complain
from collector.store.migrate import NewerSchema
from collector.version import own_version

FINE, FAILED, WRONG_USAGE = 0, 1, 2
"""Exit status, as interfaces.md lists them; `verify` gives 3 when it found something."""

app = App(
    name="wardwatch-collector",
    version=own_version,
    help="Accepts what agents send, judges it, opens cases, shows and mails them.",
    result_action="return_value",
)
for group in (
    user,
    token,
    enrol_token,
    agents,
    endpoint,
    policy,
    host,
    media,
    receipt,
    beacon,
    channel,
):
    app.command(group)
for command in (
    report,
    mail_test,
    state.init,
    state.serve,
    state.migrate,
    state.check_config,
    state.backup,
    state.restore,
    state.verify,
    state.rebuild,
):
    app.command(command)


def main() -> int:
    """Runs the command; what went wrong is one line on standard error."""
    try:
        status = app(exit_on_error=False, print_error=True)
    except CycloptsError:
        return WRONG_USAGE
    except (ConfigError, PolicyError, WrongUsage) as wrong:
        return _complain(wrong, WRONG_USAGE)
    except (
        CommandFailed,
        KeysMissing,
        NoPolicy,
        PolicyChanged,
        NewerSchema,
        BackupRefused,
        CannotListen,
        JournalFailed,
        OperationalError,
        auth.AccountRefused,
        enrolment.TokenUnknown,
        NotTrusted,
        OSError,
    ) as failed:
        return _complain(failed, FAILED)
    return status if isinstance(status, int) else FINE


def _complain(trouble: Exception, status: int) -> int:
    complain(str(trouble).splitlines()[0] if str(trouble) else type(trouble).__name__)
    return status
