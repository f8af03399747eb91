"""How moments, spans and sizes are said on a page."""

from datetime import datetime

from markupsafe import Markup, escape

from collector.alerts.links import BY_MAIL
from collector.clocks import local_time
from collector.dashboard.reasons import reason
from collector.deciders import decider
from collector.i18n import Translator

MINUTE_US = 60 * 1_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
SHOWN_CHARACTERS = 120
"""Longer texts are cut on the page; the whole stands in the title."""
OWN_SUBJECTS = ("forwarding", "history", "protection", "machine", "*")
"""Subjects of cases that are no name of anything: EXT-11, EXT-15, AV-01, DEV-02, a crowd under
EXT-13."""
_KILO = 1024
_UNITS = ("B", "KB", "MB", "GB", "TB")


class Words:
    """One visitor's language and the hospital's clock; templates call it `w`."""

    def __init__(self, translator: Translator, timezone: str, now_us: int) -> None:
        self.says = translator
        self.now_us = now_us
        self._timezone = timezone

    def moment(self, at_us: int) -> Markup:
        """`2026-11-23 08:05:12 +08:00`; a dash for never."""
        return self._time(at_us, "%Y-%m-%d %H:%M:%S") if at_us else Markup("–")

    def short(self, at_us: int) -> Markup:
        """`11-23 08:05`, with the whole moment in the title."""
        return self._time(at_us, "%m-%d %H:%M", offset=False) if at_us else Markup("–")

    def offset(self) -> str:
        """The hospital's present distance from UTC, `UTC+08:00`."""
        return f"UTC{_offset(self._local(self.now_us))}"

    def minute(self, at_us: int) -> str:
        """`11-23 08:05`, as text within a line."""
        return self._local(at_us).strftime("%m-%d %H:%M")

    @property
    def zone(self) -> str:
        """The hospital's time zone, an IANA name."""
        return self._timezone

    def hour(self, at_us: int) -> str:
        return self._local(at_us).strftime("%H:%M")

    def day(self, at_us: int) -> str:
        """`2026-11-23`, as text within a line."""
        return self._local(at_us).strftime("%Y-%m-%d")

    def span(self, length_us: int) -> str:
        """`5 min`, `3 h`, `2 d`: one unit, rounded down."""
        tr, length = self.says, abs(length_us)
        if length < MINUTE_US:
            return tr.gettext("less than a minute")
        if length < HOUR_US:
            return tr.format("{number} min", {"number": str(length // MINUTE_US)})
        if length < DAY_US:
            return tr.format("{number} h", {"number": str(length // HOUR_US)})
        return tr.format("{number} d", {"number": str(length // DAY_US)})

    def ago(self, at_us: int) -> str:
        if not at_us:
            return self.says.gettext("never")
        return self.says.format("{span} ago", {"span": self.span(self.now_us - at_us)})

    def size(self, count: int) -> str:
        value, unit = float(count), 0
        while value >= _KILO and unit < len(_UNITS) - 1:
            value, unit = value / _KILO, unit + 1
        return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"

    def percent(self, share: float) -> str:
        """Rounded down: 99.96 % is not 100 %."""
        return f"{int(share * 1000) / 10:g}%"

    def decided(self, by: str) -> Markup:
        """The policy's entry that decided."""
        return self.foreign(decider(by, self.says), 200)

    def subject(self, of_case: str) -> Markup:
        """What the case is about: a way out as `usb0 via 192.0.2.1`, one of the product's own
        words (`forwarding`), or a name as it came.
        """
        interface, via, gateway = of_case.partition(" via ")
        if via:
            told = {"interface": interface, "gateway": gateway}
            return self.foreign(self.says.format("{interface} via {gateway}", told), 60)
        own = of_case in OWN_SUBJECTS
        return self.foreign(self.says.word("subject", of_case) if own else of_case, 60)

    def reason(self, text: str, limit: int = SHOWN_CHARACTERS) -> Markup:
        """What a program said of itself: in this language where it is known, else as it came."""
        return self.foreign(reason(text, self.says), limit)

    def foreign(self, text: str, limit: int = SHOWN_CHARACTERS) -> Markup:
        """What somebody else wrote: escaped, cut, and kept from turning its surroundings
        around (a right-to-left override ends with its <bdi>).
        """
        if len(text) <= limit:
            return Markup("<bdi>{}</bdi>").format(text)
        cut = escape(text[:limit])
        return Markup('<bdi title="{}">{}…</bdi>').format(text[: limit * 10], cut)

    def person(self, actor: str, limit: int = 64) -> Markup:
        """Who did something: an account's name, or the address of who did it by a mail's link."""
        if not actor.endswith(BY_MAIL):
            return self.foreign(actor, limit)
        address = actor.removesuffix(BY_MAIL)
        return self.foreign(self.says.format("{address} (by mail)", {"address": address}), limit)

    def _time(self, at_us: int, pattern: str, *, offset: bool = True) -> Markup:
        local = self._local(at_us)
        whole = f"{local:%Y-%m-%d %H:%M:%S} {_offset(local)}"
        said = whole if offset else local.strftime(pattern)
        stamp = local.isoformat(timespec="seconds")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, whole, said)

    def _local(self, at_us: int) -> datetime:
        return local_time(at_us, self._timezone)


def _offset(local: datetime) -> str:
    return local.isoformat(timespec="seconds")[-6:]
