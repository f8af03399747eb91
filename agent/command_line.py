"""A command line as it may leave the workstation: what looks like a secret is `***`.  Pure.

Arguments are masked one by one, as the kernel keeps them (proc(5), /proc/PID/cmdline), so a
space inside a value hides nothing.  Masked rather too much than too little.
"""

import re
from collections.abc import Sequence

LIMIT = 256
"""Characters of a whole command line."""
_MASK = "***"

_WORDS = (
    "pass(?:w(?:or)?d|phrase|code)?|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key"
    "|auth(?:orization)?|credentials?|cookie|sas|otp|pin|psk|sig(?:nature)?"
)
_NAME = rf"(?:[\w.-]*[-_.])?(?:{_WORDS})(?:[-_.]\w+)?|\w*(?:password|passwd|secret|token|apikey)\w*"
_ASSIGNED = re.compile(rf"(?i)((?:^|[\s?&;,{{'\"(])[-/]*['\"]?(?:{_NAME})['\"]?\s*[=:]\s*).+")
_QUERY = re.compile(rf"(?i)([?&](?:{_NAME})=)[^&#\s]+")
_IN_URL = re.compile(r"(?i)([a-z][a-z0-9+.-]*://)[^/@\s]+@")
_HEADER = re.compile(r"(?i)((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:key|token))\s*:.*")
_SCHEME = re.compile(r"(?i)\b(bearer|basic|negotiate|digest)\s+\S+.*")
_OPTION = re.compile(rf"(?i)[-/]+(?:{_NAME})")
_SHORT_JOINED = re.compile(r"-p(?!\d{1,5}$)\S.+|-p\S")
_TAKES_USER = frozenset(("-u", "--user", "-U", "--proxy-user"))
_SHORT_SECRET = frozenset(("-p", "-P", "-w", "-k"))
_SHORT_PROGRAMS = re.compile(
    r"(sshpass|mysql\w*|mariadb\w*|smbclient|rdesktop|x?freerdp\w*|ldap\w+|mongo\w*|redis-cli|7z\w?"
    r"|zip|unrar|rar|docker|podman|openconnect|plink|pscp|psftp|tdsql|isql|sqlcmd|bsqldb|htpasswd)"
)
_REDIS = re.compile(r"redis-cli|sqlcmd|htpasswd")

_PLACES = r"(?:/(?:home|root|media|mnt|srv|tmp|var/tmp|run/media)|~[\w.-]*)(?:/[\w.-]+(?=/))?/"
"""Where people keep files, and one folder more: the account, or the medium."""
_DOCUMENT = (
    r"\.(?:docx?|xlsx?|pptx?|wps|et|dps|ofd|pdf|rtf|od[tsp]|csv|tsv|txt|md|xml|json|hl7|dcm|dicom"
    r"|nii|jpe?g|png|bmp|gif|tiff?|heic|mp[34]|avi|mov|wav|zip|rar|7z|tar|t?gz|xz|sql|db|mdb|dump"
    r"|bak|eml|msg|vcf)"
)
_WHOLE_PLACE = re.compile(rf"(?i)((?:[^\s'\"]*[=@:,])?{_PLACES}).*?(\.\w{{1,8}})?")
_QUOTED_PLACE = re.compile(rf"(?i)(['\"])({_PLACES})(?:(?!\1).)+")
_BARE_PLACE = re.compile(rf"(?i)(?<=[\s=@<>])({_PLACES})[^\s'\"]+")
_NAME_INSIDE = re.compile(rf"(?i)[^\s/'\"=@<>|;]+({_DOCUMENT})(?![\w.])")


def masked(arguments: Sequence[str], *, file_names: bool = True) -> str:
    """The arguments joined by blanks, secrets replaced, at most `LIMIT` characters.

    Without `file_names` the names of people's files are `***`, too: what lies below home
    folders and media, and documents by their usual endings.
    """
    program = arguments[0].rsplit("/", 1)[-1].lower() if arguments else ""
    short = bool(_SHORT_PROGRAMS.fullmatch(program))
    shown: list[str] = []
    before = ""
    for argument in arguments:
        shown.append(_shown(argument, before, short=short, program=program))
        before = argument
    if not file_names:
        shown[1:] = [_without_file_names(argument) for argument in shown[1:]]
    return _one_line(" ".join(shown))[:LIMIT]


def _shown(argument: str, before: str, *, short: bool, program: str) -> str:
    redis = bool(_REDIS.fullmatch(program)) and before in ("-a", "-P", "-b")
    if redis or _OPTION.fullmatch(before) or (short and before in _SHORT_SECRET):
        return _MASK
    if before in _TAKES_USER and ":" in argument:
        return f"{argument.partition(':')[0]}:{_MASK}"
    if short and _SHORT_JOINED.fullmatch(argument):
        return f"{argument[:2]}{_MASK}"
    if short and argument.startswith("/p:"):
        return f"/p:{_MASK}"
    header = _HEADER.fullmatch(argument)
    if header:
        return f"{header[1]}: {_MASK}"
    for pattern, kept in (
        (_IN_URL, rf"\1{_MASK}@"),
        (_QUERY, rf"\1{_MASK}"),
        (_SCHEME, rf"\1 {_MASK}"),
    ):
        argument = pattern.sub(kept, argument)
    return argument if "://" in argument else _ASSIGNED.sub(rf"\1{_MASK}", argument)


def _without_file_names(argument: str) -> str:
    """Addresses of the network stay: they are what the case is about."""
    whole = _WHOLE_PLACE.fullmatch(argument)
    if whole:
        return f"{whole[1]}{_MASK}{whole[2] or ''}"
    argument = _QUOTED_PLACE.sub(rf"\1\2{_MASK}", argument)
    words = re.split(r"(\s+)", _BARE_PLACE.sub(rf"\1{_MASK}", argument))
    return "".join(w if "://" in w else _NAME_INSIDE.sub(rf"{_MASK}\1", w) for w in words)


def _one_line(text: str) -> str:
    """Without what would break a line of a table or a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
