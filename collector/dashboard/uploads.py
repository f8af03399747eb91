"""A form with a file: multipart/form-data (RFC 7578), as far as our own pages send it."""

from email.message import Message
from email.parser import HeaderParser
from email.policy import HTTP

import msgspec

from collector.sheets import BYTES_MOST

UPLOAD_LIMIT_BYTES = BYTES_MOST + 64 * 1024
PARTS_LIMIT = 50
_HEADER_LIMIT = 4 * 1024


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is what the browser called the file; empty where none was chosen."""

    name: str = ""
    content: bytes = b""


class BadUpload(Exception):
    """Not multipart/form-data as browsers send it."""


def boundary_of(content_type: str) -> bytes:
    """Raises BadUpload."""
    told = Message()
    told["Content-Type"] = content_type
    boundary = told.get_param("boundary")
    if not isinstance(boundary, str) or not boundary.isascii() or not boundary:
        raise BadUpload("multipart/form-data without a boundary")
    return boundary.encode("ascii")


def read_parts(body: bytes, boundary: bytes) -> tuple[dict[str, tuple[str, ...]], Upload]:
    """Plain fields by name, and the file.

    Raises:
        BadUpload: cut off, without names, more parts than a form of ours has.
    """
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise BadUpload("the form is cut off")
    if len(parts) > PARTS_LIMIT:
        raise BadUpload(f"more than {PARTS_LIMIT} parts")
    fields: dict[str, tuple[str, ...]] = {}
    upload = Upload()
    for part in parts[1:-1]:
        head, blank, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not blank or len(head) > _HEADER_LIMIT:
            raise BadUpload("a part without a head")
        name, file_name = _named(head)
        if file_name is None:
            fields[name] = (*fields.get(name, ()), content.decode("utf-8", "replace"))
        else:
            upload = Upload(name=file_name, content=content)
    return fields, upload


def _named(head: bytes) -> tuple[str, str | None]:
    """The part's field, and the file's name where it is one."""
    told = HeaderParser(policy=HTTP).parsestr(head.decode("utf-8", "replace"))
    disposition = told["content-disposition"]
    params = getattr(disposition, "params", {})
    if "name" not in params:
        raise BadUpload("a part without a name")
    named = params.get("filename")
    if named is None:
        return str(params["name"]), None
    plain = "".join(c for c in str(named) if c.isprintable())
    return str(params["name"]), plain.replace("\\", "/").rpartition("/")[2][:100]
