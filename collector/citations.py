"""Which clauses a violation cites: frameworks as data, chosen by protection level.

The files stand in `checks/frameworks`: one framework each (clause → rules), and
`catalogue.toml` with every rule's name in both languages.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, TypeVar

import msgspec

CITED = ("regulation", "gb22239", "gb28448", "csl", "nist80053")
"""Frameworks of the citation string, in its order; the first clause of each."""
CATALOGUE = "catalogue"
SEPARATOR = " · "


Read = TypeVar("Read", bound=msgspec.Struct)


class BrokenFramework(Exception):
    """A file of `checks/frameworks` that cannot be used; the start must fail."""


class Clause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One clause.  `level` 2 or 3: it applies at that protection level only; 0: at any.
    `cite_zh` and `cite_en` are how it is written where that is not its id.
    """

    id: str
    title_zh: str
    title_en: str
    rules: tuple[str, ...]
    level: Literal[0, 2, 3] = 0
    cite_zh: str = ""
    cite_en: str = ""


class Framework(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`prefix` stands before each clause's number; `prefix_en` where English differs."""

    id: str
    name_zh: str
    name_en: str
    clauses: tuple[Clause, ...]
    prefix: str = ""
    prefix_en: str = ""


class RuleName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule's name; `subject_…` is how a mail's subject calls it where that differs."""

    id: str
    zh: str
    en: str
    subject_zh: str = ""
    subject_en: str = ""


class Cited(msgspec.Struct, frozen=True, kw_only=True):
    """A clause of a framework, ready to be shown."""

    framework: str
    clause: str
    zh: str
    en: str
    title_zh: str
    title_en: str

    def text(self, language: str) -> str:
        return self.zh if language == "zh_CN" else self.en

    def title(self, language: str) -> str:
        return self.title_zh if language == "zh_CN" else self.title_en


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rules: tuple[RuleName, ...]


@cache
def catalogue() -> Mapping[str, RuleName]:
    """Every rule that the product knows, built or not, by id."""
    read = parse_catalogue(_text(CATALOGUE))
    return MappingProxyType({rule.id: rule for rule in read})


@cache
def frameworks() -> Mapping[str, Framework]:
    """All frameworks by id.

    Raises:
        BrokenFramework: a file that does not fit, or names a rule that nobody knows.
    """
    names = sorted(f.name for f in files("checks").joinpath("frameworks").iterdir())
    ids = [n.removesuffix(".toml") for n in names if n.endswith(".toml")]
    found = [parse_framework(_text(each), catalogue()) for each in ids if each != CATALOGUE]
    return MappingProxyType({framework.id: framework for framework in found})


def parse_framework(text: str, known: Mapping[str, RuleName]) -> Framework:
    """A framework from its TOML.

    Raises:
        BrokenFramework: with the place of what is wrong.
    """
    framework = _parsed(text, Framework)
    for clause in framework.clauses:
        for rule in clause.rules:
            if rule not in known:
                raise BrokenFramework(f"{framework.id} {clause.id}: {rule} is no known rule")
    return framework


def parse_catalogue(text: str) -> Sequence[RuleName]:
    """The names of all rules.

    Raises:
        BrokenFramework: with the place of what is wrong, or the id that stands twice.
    """
    rules = _parsed(text, _Catalogue).rules
    ids = [rule.id for rule in rules]
    twice = sorted({each for each in ids if ids.count(each) > 1})
    if twice:
        raise BrokenFramework(f"{CATALOGUE}: {', '.join(twice)} stands twice")
    return rules


@cache
def citations(rule: str, protection_level: int) -> tuple[Cited, ...]:
    """Every clause that a violation of this rule cites at this protection level."""
    return tuple(
        cited
        for framework in frameworks().values()
        for cited in _of_framework(framework, rule, protection_level)
    )


def citation_text(rule: str, protection_level: int, language: str) -> str:
    """`三(七) · GB/T 22239-2019 8.1.3.1 c) · …`: the first clause of each framework that
    is cited at all.
    """
    cited = citations(rule, protection_level)
    firsts = (next((c for c in cited if c.framework == name), None) for name in CITED)
    return SEPARATOR.join(first.text(language) for first in firsts if first is not None)


def rule_name(rule: str, language: str) -> str:
    """A rule's name; its id where the catalogue does not have it."""
    named = catalogue().get(rule)
    if named is None:
        return rule
    return named.zh if language == "zh_CN" else named.en


def rule_subject(rule: str, language: str) -> str:
    """What a mail's subject calls a violation of this rule."""
    named = catalogue().get(rule)
    if named is None:
        return rule
    short = named.subject_zh if language == "zh_CN" else named.subject_en
    return short or rule_name(rule, language)


def _of_framework(framework: Framework, rule: str, level: int) -> Iterator[Cited]:
    for clause in framework.clauses:
        if rule in clause.rules and clause.level in (0, level):
            prefix_en = framework.prefix_en or framework.prefix
            yield Cited(
                framework=framework.id,
                clause=clause.id,
                zh=f"{framework.prefix} {clause.cite_zh or clause.id}".strip(),
                en=f"{prefix_en} {clause.cite_en or clause.id}".strip(),
                title_zh=clause.title_zh,
                title_en=clause.title_en,
            )


def _parsed(text: str, kind: type[Read]) -> Read:
    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise BrokenFramework(f"{kind.__name__}: {wrong}") from wrong


def _text(name: str) -> str:
    return files("checks").joinpath("frameworks", f"{name}.toml").read_text("utf-8")
