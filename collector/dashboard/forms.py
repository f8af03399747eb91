"""What came with a request: form fields, and whether it came from our own page."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from collector.dashboard.uploads import (
    UPLOAD_LIMIT_BYTES,
    BadUpload,
    Upload,
    boundary_of,
    read_parts,
)

FORM_LIMIT_BYTES = 2 * 1024 * 1024
"""The largest form is the policy's text."""
FIELDS_LIMIT = 2_000

Form = Mapping[str, tuple[str, ...]]


class FormRefused(Exception):
    """A form that is too large, not a form, or not from our own page."""


async def read_form(request: Request) -> Form:
    """Fields of an urlencoded form; a field may come several times.

    Raises:
        FormRefused: another type, too large, too many fields.
    """
    kind = _kind(request)
    if kind != "application/x-www-form-urlencoded":
        raise FormRefused(f"expected a form, got {kind or 'nothing'}")
    body = await _body(request, FORM_LIMIT_BYTES)
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_LIMIT)
    except ValueError as wrong:
        raise FormRefused(str(wrong)) from wrong
    return {name: tuple(values) for name, values in fields.items()}


async def read_upload(request: Request) -> tuple[Form, Upload]:
    """As `read_form`, of a form that may carry a file.

    Raises:
        FormRefused.
    """
    if _kind(request) != "multipart/form-data":
        return await read_form(request), Upload()
    body = await _body(request, UPLOAD_LIMIT_BYTES)
    try:
        return read_parts(bytes(body), boundary_of(request.headers["content-type"]))
    except BadUpload as bad:
        raise FormRefused(str(bad)) from bad


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip()


async def _body(request: Request, limit: int) -> bytearray:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise FormRefused(f"larger than {limit} bytes")
    return body


def one(form: Form, name: str) -> str:
    """The field's last value, empty without one."""
    values = form.get(name, ())
    return values[-1] if values else ""


def is_own_origin(request: Request, base_url: str) -> bool:
    """Whether the browser says that the form stood on this collector's page.

    Browsers send Origin with every POST (Fetch standard, 3.2); a request without one
    comes from no browser page.
    """
    origin = request.headers.get("origin", "")
    return not origin or origin in {
        _origin(base_url),
        f"{request.url.scheme}://{request.url.netloc}",
    }


def is_own_token(form: Form, expected: str) -> bool:
    return hmac.compare_digest(one(form, "csrf").encode("utf-8"), expected.encode("utf-8"))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
