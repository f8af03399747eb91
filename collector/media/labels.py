"""Labels to print and stick on media: number, owner, and a QR code that leads to its page."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType
from urllib.parse import quote

import msgspec
import segno

from checks.facts.media_register import RegisteredMedium
from collector.i18n import Translator

LABELS_MOST = 2_000


class LabelSize(msgspec.Struct, frozen=True, kw_only=True):
    """Millimetres."""

    width: int
    height: int
    code: int
    text: float


SIZES: Mapping[str, LabelSize] = MappingProxyType(
    {
        "small": LabelSize(width=30, height=15, code=12, text=1.9),
        "medium": LabelSize(width=50, height=25, code=20, text=2.8),
        "large": LabelSize(width=70, height=40, code=32, text=3.8),
    }
)
_STYLE = """
@page { margin: 8mm; }
body { margin: 0; font-family: sans-serif; color: #000; background: #fff; }
h1, p { margin: 4mm; font-size: 4mm; }
ul { display: flex; flex-wrap: wrap; gap: 2mm; margin: 2mm; padding: 0; list-style: none; }
li { display: flex; gap: 1mm; align-items: center; box-sizing: border-box; overflow: hidden;
  border: 0.2mm dashed #777; padding: 1mm; break-inside: avoid; line-height: 1.25; }
li svg { flex: none; }
li div { min-width: 0; overflow-wrap: anywhere; }
strong, span { display: block; }
@media print { h1, p { display: none; } }
"""


def style_of(size: str) -> str:
    """The style sheet of a page of labels, which stands in it."""
    label = SIZES[size]
    return (
        f"{_STYLE}li {{ width: {label.width}mm; height: {label.height}mm; "
        f"font-size: {label.text}mm; }}\nli svg {{ width: {label.code}mm; "
        f"height: {label.code}mm; }}\n"
    )


def style_source(size: str) -> str:
    """What a Content-Security-Policy must say in `style-src` for it (CSP 3, 2.3.1)."""
    digest = hashlib.sha256(style_of(size).encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def labels_page(
    lines: Sequence[RegisteredMedium], *, size: str, base_url: str, says: Translator
) -> str:
    """A whole HTML page that needs nothing from elsewhere."""
    title = says.gettext("Labels for media")
    hint = says.gettext("Print this page without scaling; the dashed lines are where to cut.")
    items = "\n".join(_label(line, base_url, says) for line in lines)
    return (
        f'<!doctype html>\n<html lang="{says.language.replace("_", "-")}">\n<head>\n'
        f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{style_of(size)}</style>\n</head>\n<body>\n"
        f"<main><h1>{escape(title)}</h1><p>{escape(hint)}</p>\n"
        f"<ul>\n{items}\n</ul></main>\n</body>\n</html>\n"
    )


def address_of(number: str, base_url: str) -> str:
    return f"{base_url.rstrip('/')}/media/{quote(number, safe='')}"


def _label(line: RegisteredMedium, base_url: str, says: Translator) -> str:
    code = segno.make(address_of(line.number, base_url), error="m", micro=False)
    drawn = code.svg_inline(border=1, omitsize=True, title=line.number)
    kind = says.word("register_kind", line.kind)
    told = [kind, line.owner, line.department]
    spans = "".join(f"<span>{escape(text)}</span>" for text in told if text)
    return f"<li>{drawn}<div><strong>{escape(line.number)}</strong>{spans}</div></li>"
