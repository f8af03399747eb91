"""Documents as other programs write them: with and without a password."""

import hashlib
import zipfile
from io import BytesIO

SECTOR = 512
STREAM = 4096
_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_FIRST_ID = bytes(range(16))
_RIGHTS = -44
_FREE = b"\xff\xff\xff\xff"
_END = b"\xfe\xff\xff\xff"


def compound(*streams: tuple[str, bytes]) -> bytes:
    """A compound file ([MS-CFB]) of up to three streams, each filled up to 4096 octets."""
    sectors = STREAM // SECTOR
    table = bytearray(b"\xfd\xff\xff\xff" + _END)
    directory = bytearray(_entry("Root Entry", 5, 0xFFFFFFFE, 0, child=1))
    for number, (name, _) in enumerate(streams):
        start = 2 + number * sectors
        table += b"".join((start + k + 1).to_bytes(4, "little") for k in range(sectors - 1)) + _END
        right = number + 2 if number + 1 < len(streams) else 0xFFFFFFFF
        directory += _entry(name, 2, start, STREAM, right=right)
    content = b"".join(body.ljust(STREAM, b"\0") for _, body in streams)
    return _header() + _filled(table, _FREE) + _filled(directory, b"\0") + content


def word(*, locked: bool) -> bytes:
    flags = 0x0100 if locked else 0
    start = b"\xec\xa5" + b"\xc1\0" + bytes(6) + flags.to_bytes(2, "little")
    return compound(("WordDocument", start))


def excel(*, locked: bool) -> bytes:
    begin = b"\x09\x08\x10\0" + b"\0\x06\x05\0" + bytes(12)
    key = b"\x2f\0\x36\0" + b"\x01\0\x01\0\x01\0" + bytes(48)
    return compound(("Workbook", begin + (key if locked else b"") + b"\x0a\0\0\0"))


def powerpoint(*, locked: bool) -> bytes:
    return compound(("PowerPoint Document", b"\0"), *([("EncryptedSummary", b"")] * locked))


def office(*, locked: bool) -> bytes:
    """Of 2007 and later: locked, its package lies in a compound file."""
    if locked:
        information = b"\x04\0\x04\0\x40\0\0\0" + b'<?xml version="1.0"?><encryption/>'
        return compound(("EncryptedPackage", b"\x20" + bytes(7)), ("EncryptionInfo", information))
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("word/document.xml", "<document/>")
    return whole.getvalue()


def pdf(*, password: bytes | None = None, revision: int = 3) -> bytes:
    """Encrypted unless `password` is None, which may be empty."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    ]
    named = b""
    if password is not None:
        objects.append(_key_entry(password, revision))
        told = b"/ID[<" + _FIRST_ID.hex().encode() + b"><" + _FIRST_ID.hex().encode() + b">]"
        named = b"/Encrypt 4 0 R" + told
    whole, places = b"%PDF-1.6\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    size = len(objects) + 1
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    whole += b"xref\n0 %d\n" % size + b"0000000000 65535 f \n" + rows
    start = whole.index(b"xref\n")
    trailer = b"<</Size %d/Root 1 0 R" % size + named + b">>"
    return whole + b"trailer\n" + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % start


def zipped(name: str, content: bytes) -> bytes:
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return whole.getvalue()


def locked_zip() -> bytes:
    """Its content is no cipher, but both headers say that it is: APPNOTE 4.4.4."""
    content = bytearray(zipped("secret.txt", b"x" * 100))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _entry(
    name: str, kind: int, start: int, size: int, *, child: int = 0xFFFFFFFF, right: int = 0xFFFFFFFF
) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    numbers = b"".join(each.to_bytes(4, "little") for each in (0xFFFFFFFF, right, child))
    head = text.ljust(64, b"\0") + len(text).to_bytes(2, "little") + bytes([kind, 1]) + numbers
    return head.ljust(116, b"\0") + start.to_bytes(4, "little") + size.to_bytes(8, "little")


def _header() -> bytes:
    numbers = (0, 1, 1, 0, STREAM, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    magic = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    sizes = b"\x3e\0\x03\0\xfe\xff\x09\0\x06\0" + bytes(6)
    told = magic + sizes + b"".join(each.to_bytes(4, "little") for each in numbers)
    return _filled(bytearray(told), _FREE)


def _filled(block: bytearray, filler: bytes) -> bytes:
    missing = -len(block) % SECTOR
    return bytes(block + filler * (missing // len(filler)))


def _key_entry(password: bytes, revision: int) -> bytes:
    """ISO 32000-1, algorithms 2 to 5; revision 5 of Adobe's supplement."""
    if revision == 5:
        salts = bytes(range(65, 81))
        user = hashlib.sha256(password + salts[:8]).digest() + salts
        named = b"/CF<</StdCF<</CFM/AESV3/Length 32>>>>/StmF/StdCF/StrF/StdCF"
        rest = b"/OE" + _hex(bytes(32)) + b"/UE" + _hex(bytes(32)) + b"/Perms" + _hex(bytes(16))
        return _dictionary((5, 5, 256), user, bytes(48), named + rest)
    version, bits = {2: (1, 40), 3: (2, 128), 4: (4, 128)}[revision]
    owner = bytes(range(100, 132))
    padded = (password + _PADDING)[:32]
    digest = _md5(padded + owner + (_RIGHTS & 0xFFFFFFFF).to_bytes(4, "little") + _FIRST_ID)
    for _ in range(50 if revision > 2 else 0):
        digest = _md5(digest[: bits // 8])
    named = b"/CF<</StdCF<</CFM/AESV2/Length 16>>>>/StmF/StdCF/StrF/StdCF"
    user = _user(digest[: bits // 8], revision)
    return _dictionary((version, revision, bits), user, owner, named if revision == 4 else b"")


def _user(key: bytes, revision: int) -> bytes:
    if revision == 2:
        return _rc4(key, _PADDING)
    proof = _md5(_PADDING + _FIRST_ID)
    for turn in range(20):
        proof = _rc4(bytes(octet ^ turn for octet in key), proof)
    return proof + bytes(16)


def _dictionary(numbers: tuple[int, int, int], user: bytes, owner: bytes, rest: bytes) -> bytes:
    """`numbers` are version, revision and bits of the key."""
    told = b"/V %d/R %d/Length %d/P %d" % (*numbers, _RIGHTS)
    return (
        b"<</Filter/Standard" + told + b"/O" + _literal(owner) + b"/U" + _hex(user) + rest + b">>"
    )


def _literal(text: bytes) -> bytes:
    return (
        b"("
        + b"".join(b"\\%03o" % octet if octet in b"()\\\r\n" else bytes([octet]) for octet in text)
        + b")"
    )


def _hex(text: bytes) -> bytes:
    return b"<" + text.hex().encode() + b">"


def _md5(text: bytes) -> bytes:
    return hashlib.md5(text).digest()


def _rc4(key: bytes, text: bytes) -> bytes:
    box, j = [*range(256)], 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) & 255
        box[i], box[j] = box[j], box[i]
    i, j, out = 0, 0, []
    for octet in text:
        i = (i + 1) & 255
        j = (j + box[i]) & 255
        box[i], box[j] = box[j], box[i]
        out.append(octet ^ box[(box[i] + box[j]) & 255])
    return bytes(out)
