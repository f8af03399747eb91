"""Media are opened, or programs on them started, as soon as they are plugged in.

Then what is on a stick acts before anybody has decided to use it: a crafted picture meets the
program that draws its preview, and an autorun program the person who only presses Enter.

A desktop opens a window on the medium: GNOME, MATE, Cinnamon and UKUI by `automount` with
`automount-open` (or `autorun-x-content-open-folder`), DDE where media are opened after they were
mounted.  A program is started where `autorun-never` is false and `autorun-x-content-start-app`
names something, or where a udev rule of the machine's own for removable media starts one.
Mounting alone is neither: it is kept in the facts, and the agent scans.

Nothing set is not nothing done: what the desktop was built with counts, since it holds for
whoever logs in next, even where one account has switched it off for itself.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from checks.check import Context, check
from checks.facts.autoplay import Autoplay, AutoplayEffect, AutoplayOf, AutoplayState, Desktop
from checks.finding import Finding

OPENS = "{desktop} opens media as soon as they are plugged in ({source})"
RUNS = "{desktop} starts programs as soon as media are plugged in ({source})"
OPENS_AND_RUNS = (
    "{desktop} opens media and starts programs as soon as they are plugged in ({source})"
)
_MESSAGES: Mapping[frozenset[AutoplayEffect], str] = MappingProxyType(
    {
        frozenset({"open"}): OPENS,
        frozenset({"run"}): RUNS,
        frozenset({"open", "run"}): OPENS_AND_RUNS,
    }
)
_GRAVEST: tuple[AutoplayEffect, ...] = ("run", "open")
_WIDEST: tuple[AutoplayOf, ...] = ("system", "default", "user")


@check(
    rule="MED-07",
    on=AutoplayState,
    remedy=(
        "Set automount-open to false and autorun-never to true for the whole machine and lock both "
        "(dconf), or take the udev rule away."
    ),
)
def autoplay(state: AutoplayState, context: Context) -> Iterator[Finding]:
    del context  # the policy approves of no autoplay; who needs it switches the rule off
    by_desktop: dict[Desktop, list[Autoplay]] = {}
    for setting in state.settings:
        if setting.effect in _GRAVEST:
            by_desktop.setdefault(setting.desktop, []).append(setting)
    for desktop, settings in by_desktop.items():
        worst = min(settings, key=_order)
        yield Finding(
            subject=desktop,
            message=_MESSAGES[frozenset(setting.effect for setting in settings)],
            params={"desktop": desktop, "source": worst.source or "-"},
        )


def _order(setting: Autoplay) -> tuple[int, int]:
    return (_WIDEST.index(setting.whose), _GRAVEST.index(setting.effect))
