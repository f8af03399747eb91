"""Both languages, read from the .po files at start; no compile step.

A message's id is its English sentence, with `{named}` places.  A *word* is a value of the
product's own vocabulary (a state, a kind of link); its id is the value, its context the
vocabulary's name, so that `open` a file and `open` a case may differ.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

DEFAULT_LANGUAGE = "zh_CN"
LANGUAGES: Mapping[str, str] = MappingProxyType({"zh_CN": "中文", "en": "English"})
"""Language codes and what each language calls itself."""

WORD_PLACES = frozenset(
    {"left_out", "link_kind", "medium_kind", "operation", "part", "radio", "scan", "what"}
)
"""Places of messages whose values are words; each is a vocabulary of that name."""

MISSING = "?"
"""Stands for what nobody knows, here and in `checks.wording`."""
SOME_PROCESS = "an unknown process"
_PLACE = re.compile(r"\{(\w+)\}")


class UnknownLanguage(ValueError):
    """A language that the product does not speak; the message names those it does."""


class Translator:
    """One language.  What has no translation is said in English, never refused."""

    def __init__(self, language: str, catalogues: tuple[Catalog, ...]) -> None:
        self.language = language
        self._catalogues = catalogues

    def gettext(self, msgid: str) -> str:
        found = self._find(msgid)
        return _forms(found)[0] if found is not None else msgid

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The form for this number, with `{number}` filled in."""
        found = self._find(singular)
        forms = (singular, plural) if found is None else _forms(found)
        single = self.language == "zh_CN" or number == 1
        return _filled(forms[0] if single else forms[-1], {"number": str(number)})

    def word(self, vocabulary: str, value: str) -> str:
        """A value of one of the product's vocabularies as people say it."""
        found = self._find(value, vocabulary)
        return _forms(found)[0] if found is not None else value.replace("_", " ")

    def format(self, msgid: str, params: Mapping[str, str]) -> str:
        """The message with its places filled; a place without a value shows `?`.

        Nothing in `params` is ever read as a format: it may come from hostile media.
        """
        said = {name: self._said(name, str(value)) for name, value in params.items()}
        return _filled(self.gettext(msgid), said)

    def sentence(self, msgid: str, params: Mapping[str, str]) -> str:
        """As `format`, for a line of its own: what this language says begins with a capital; a
        name in front stays as it is written.
        """
        whole = self.format(msgid, params)
        first = _PLACE.match(self.gettext(msgid))
        if first is not None and self._is_name(first[1], params):
            return whole
        return whole[:1].upper() + whole[1:]

    def _is_name(self, place: str, params: Mapping[str, str]) -> bool:
        """Whether what fills the place is no word of ours."""
        value = str(params.get(place, ""))
        return place not in WORD_PLACES and self._said(place, value) == value

    def _said(self, place: str, value: str) -> str:
        if place == "process" and value == MISSING:
            return self.gettext(SOME_PROCESS)
        return self.word(place, value) if place in WORD_PLACES else value

    def knows(self, msgid: str, vocabulary: str | None = None) -> bool:
        return self._find(msgid, vocabulary) is not None

    def _find(self, msgid: str, vocabulary: str | None = None) -> Message | None:
        for catalogue in self._catalogues:
            message = catalogue.get(msgid, vocabulary) if msgid else None
            if message is not None and all(_forms(message)):
                return message
        return None


def translator(language: str) -> Translator:
    """The translator of a language code.

    Raises:
        UnknownLanguage: for any other than those of LANGUAGES.
    """
    if language not in LANGUAGES:
        raise UnknownLanguage(f"{language!r}: the languages are {', '.join(LANGUAGES)}")
    return _loaded(language)


def language_for(accept_language: str) -> str:
    """The first known language of an Accept-Language header (RFC 9110, 12.5.4)."""
    for wish in _wishes(accept_language):
        if wish.startswith("zh"):
            return "zh_CN"
        if wish.startswith("en"):
            return "en"
    return DEFAULT_LANGUAGE


@cache
def _loaded(language: str) -> Translator:
    return Translator(language, tuple(_catalogues(language)))


def _catalogues(language: str) -> Iterator[Catalog]:
    folder = files("collector").joinpath("locale", language, "LC_MESSAGES")
    for file in sorted(folder.iterdir(), key=_name):
        if file.name.endswith(".po"):
            with file.open("rb") as text:
                yield read_po(text, locale=language, abort_invalid=True)


def _name(file: Traversable) -> str:
    return file.name


def _forms(message: Message) -> tuple[str, ...]:
    """The translations of a message: one, or one for each plural form."""
    text = message.string
    return tuple(text) if isinstance(text, tuple | list) else (text or "",)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1], MISSING), text)


def _wishes(header: str) -> list[str]:
    """Languages by falling weight; those with weight 0 are left out."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, weight = part.strip().lower().partition(";q=")
        try:
            asked = float(weight) if weight else 1.0
        except ValueError:
            continue
        if asked > 0:
            weighed.append((-asked, tag))
    return [tag for _, tag in sorted(weighed, key=lambda wish: wish[0])]
