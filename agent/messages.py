"""The catalogue of what the agent says on the desktop."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

import msgspec

from agent.system.desktop import Message

_MINUTE = 60


class Wording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str
    body: str


class Language(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every message in one language; a missing one stops the start."""

    contact: str
    estimate: str
    rest: str
    medium_held: Wording
    medium_kept: Wording
    medium_progress: Wording
    medium_not_released: Wording
    medium_released: Wording
    medium_not_scanned: Wording
    medium_infected: Wording
    medium_quarantined: Wording
    medium_written: Wording
    outside_connection: Wording
    outside_link: Wording
    link_cut: Wording
    link_restored: Wording


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rules` maps a rule whose check failed to the message that it asks for."""

    rules: Mapping[str, str]
    zh_CN: Language  # noqa: N815 - a locale's name is written so
    en: Language

    def message(
        self, name: str, *, language: str, subject: str, phone: str, seconds: int = 0
    ) -> Message:
        """`subject` is the medium or the place outside that the message is about, `seconds`
        how long something takes, 0 while unknown.
        """
        spoken: Language = getattr(self, language)
        wording: Wording = getattr(spoken, name)
        contact = spoken.contact.format(phone=phone) if phone else ""
        minutes = -(-seconds // _MINUTE)
        line = spoken.rest if name == "medium_progress" else spoken.estimate
        wait = line.format(minutes=minutes) if seconds else ""
        body = wording.body.format(medium=subject, place=subject, contact=contact, wait=wait)
        return Message(title=wording.title, body=body.strip(), urgent=name == "medium_infected")


def read_catalogue() -> Catalogue:
    text = files("agent").joinpath("messages.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Catalogue)
