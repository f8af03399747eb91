"""Whether mails arrive."""

from checks.wire import encode
from collector.alerts.smtp import SmtpTransport
from collector.alerts.trial import trial_done, trial_mail
from collector.app import KEY_FOLDER, base_url_of, wall_clock
from collector.commands.opened import CommandFailed, ConfigFile, journal_of, settings_of, state_of
from collector.entries import EntryKind
from collector.keys import Keys
from collector.policies import SqlPolicies
from collector.speech import say


def mail_test(address: str, *, config: ConfigFile = None) -> None:
    """Send one mail to see whether it arrives, as alerts would be sent.

    Example: wardwatch-collector mail-test duty@hospital.example

    Parameters
    ----------
    address
        Who gets it.
    config
        The settings, instead of /etc/wardwatch/collector.toml.
    """
    settings = settings_of(config)
    if settings.smtp is None:
        raise CommandFailed("nothing is mailed: [smtp] is not set in collector.toml")
    link, now_us = base_url_of(Keys(state_of(settings) / KEY_FOLDER), settings), wall_clock()
    with journal_of(settings) as journal:
        policy = SqlPolicies(journal.engine, journal.writer).current()
        message = trial_mail(
            policy, sender=settings.smtp.sender, recipient=address, link=link, now_us=now_us
        )
        receipt = SmtpTransport(settings.smtp).send(message, [address])
        refusals = {**receipt.later, **receipt.never}
        if refusals:
            raise CommandFailed(f"the mail did not leave: {refusals[address]}")
        journal.append(EntryKind.MAILED, encode(trial_done(address, now_us)))
    say(f"{settings.smtp.host} took the mail to {address}; look whether it arrives")
