"""Which known program a process is.  Pure."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate

from agent.system.process_watch import Running
from checks.policy.network import KnownTool

_COMM_MOST = 15
_INTERPRETERS = re.compile(r"(python|perl|ruby|node|java|mono|wine|(ba|da|z)?sh)[\d.]*(-\d\d)?")
_SCRIPT_SEARCHED = 4  # arguments in which an interpreter's script is looked for
_SSH_SWITCHES = "46AaCfGgKkMNnqsTtVvXxYy"
"""Options of ssh(1) without a value, which may stand before another one: `-fNR`."""


class ToolTable:
    """The policy's table, made ready for many questions."""

    def __init__(self, known: Iterable[KnownTool]) -> None:
        self._known = tuple(_Entry(tool) for tool in known)
        self.asks_for_modules = any(entry.tool.modules for entry in self._known)

    def tool_of(self, running: Running, module: str = "") -> KnownTool | None:
        """The first entry that fits; `module` is the main package of a Go program."""
        names = names_of(running)
        for entry in self._known:
            if entry.fits(names, module) and entry.has_its_argument(running.arguments[1:]):
                return entry.tool
        return None


class _Entry:
    def __init__(self, tool: KnownTool) -> None:
        self.tool = tool
        cut_off = [name[:_COMM_MOST] for name in tool.programs if len(name) > _COMM_MOST]
        self._programs = any_of([*tool.programs, *cut_off])
        self._modules = any_of(tool.modules)

    def fits(self, names: Iterable[str], module: str) -> bool:
        by_module = bool(module) and self._modules.fullmatch(module.lower()) is not None
        return by_module or any(self._programs.fullmatch(name) for name in names)

    def has_its_argument(self, arguments: Sequence[str]) -> bool:
        wanted = self.tool.arguments
        return not wanted or any(
            _is_argument(asked, given) for given in arguments for asked in wanted
        )


def names_of(running: Running) -> frozenset[str]:
    """File names in lower case: of the executable, what it calls itself, its thread, and the
    script of an interpreter.
    """
    told = [running.executable, running.name, *running.arguments[:1]]
    if _INTERPRETERS.fullmatch(_base(running.executable)):
        told += running.arguments[1 : 1 + _SCRIPT_SEARCHED]
    return frozenset(_base(name) for name in told if name) - {""}


def _base(path: str) -> str:
    r"""`nginx: worker` calls itself so: the first word counts; Wine writes `\`."""
    name = re.split(r"[/\\]", path.strip())[-1].lower()
    return name.partition(" ")[0].removeprefix("-").rstrip(":")


def any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """One of these, `*` allowed; none of them matches nothing."""
    return re.compile("|".join(translate(pattern.lower()) for pattern in patterns) or "(?!)")


def _is_argument(asked: str, given: str) -> bool:
    """`-R` is also `-R8080:…` and `-fNR`; a pattern with `*` is for the whole argument."""
    if "*" in asked:
        return re.fullmatch(translate(asked.lower()), given.lower()) is not None
    if re.fullmatch("-[A-Za-z]", asked):
        return re.match(f"-[{_SSH_SWITCHES}]*{asked[1]}", given) is not None
    return asked == given
