"""Static files, icons and the pages' templates."""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from collector.citations import rule_name

STATIC = Path(str(files("collector.dashboard"))) / "static"
STATIC_PATH = "/static"
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_ICON_NAME = re.compile(r"[a-z-]+")


class Vendored(msgspec.Struct, frozen=True):
    """One line of the manifest that deploy/vendor.py writes."""

    version: str
    licence: str
    folder: str
    files: dict[str, str]


class StaticRoom(StaticFiles):
    """Our own files must be asked for again, those of others carry their version."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        lasting = path.startswith("vendor/") and Headers(scope=scope).get("range") is None
        answer.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if lasting else "no-cache"
        )
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


@cache
def vendored() -> dict[str, Vendored]:
    manifest = (STATIC / "vendor" / "manifest.json").read_bytes()
    return msgspec.json.decode(manifest, type=dict[str, Vendored])


@cache
def icon(name: str) -> Markup:
    """The icon's own SVG; decoration only, the word beside it says what it means."""
    if not _ICON_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no icon's name")
    file = STATIC / "vendor" / vendored()["@tabler/icons"].folder / f"{name}.svg"
    drawn = file.read_text("utf-8").replace("<svg", '<svg aria-hidden="true"', 1)
    return Markup(drawn)  # noqa: S704 - a file of our own repository


@cache
def environment() -> Environment:
    """Templates with autoescape for all: what endpoints say is never markup."""
    made = Environment(
        loader=PackageLoader("collector.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(icon=icon, rule_name=rule_name, vendored=vendored(), static=STATIC_PATH)
    return made
