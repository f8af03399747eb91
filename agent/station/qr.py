"""The number of a receipt as a QR code: ISO/IEC 18004, version 3, level L, mask 0.

One size is enough: a number is a SHA-256 in hex, 64 signs, and version 3-L takes 77.
"""

SIZE = 29
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_ALPHANUMERIC, _LENGTH_BITS = 0b0010, 9
_DATA, _CORRECTION = 55, 15
"""Codewords of version 3-L, in one block."""
LONGEST = 77
_FORMAT = 0b01 << 3
"""Level L, mask 0."""
_FORMAT_GENERATOR, _FORMAT_MASK = 0b10100110111, 0b101010000010010
_FIELD = 0x11D
_ALIGNMENT = 22
_TIMING = 6
_FILL = (0xEC, 0x11)

Rows = list[list[int | None]]


def qr_path(text: str) -> str:
    """The dark modules as a path for SVG, in units of one module; empty for what is too long
    or holds other signs than letters and digits.
    """
    if len(text) > LONGEST or not set(text.upper()) <= set(_SIGNS):
        return ""
    dark = ((x, y) for y, row in enumerate(qr_rows(text.upper())) for x, on in enumerate(row) if on)
    return "".join(f"M{x} {y}h1v1h-1z" for x, y in dark)


def qr_rows(text: str) -> list[list[bool]]:
    """`text` in capitals, at most LONGEST signs."""
    rows = _patterns()
    _place(rows, _codewords(text))
    _write_format(rows)
    return [[bool(module) for module in row] for row in rows]


def _codewords(text: str) -> list[int]:
    bits = f"{_ALPHANUMERIC:04b}{len(text):0{_LENGTH_BITS}b}"
    for place in range(0, len(text) - 1, 2):
        first, second = (_SIGNS.index(sign) for sign in text[place : place + 2])
        bits += f"{45 * first + second:011b}"
    if len(text) % 2:
        bits += f"{_SIGNS.index(text[-1]):06b}"
    bits += "0" * min(4, 8 * _DATA - len(bits))
    bits += "0" * (-len(bits) % 8)
    data = [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]
    data += [_FILL[number % 2] for number in range(_DATA - len(data))]
    return data + _correction(data)


def _correction(data: list[int]) -> list[int]:
    """Reed-Solomon over GF(256)."""
    generator = [1]
    root = 1
    for _ in range(_CORRECTION):
        longer = [*generator, 0]
        for place, factor in enumerate(generator):
            longer[place + 1] ^= _product(factor, root)
        generator, root = longer, _product(root, 2)
    rest = [*data, *[0] * _CORRECTION]
    for place in range(len(data)):
        lead = rest[place]
        for offset, factor in enumerate(generator):
            rest[place + offset] ^= _product(factor, lead)
    return rest[len(data) :]


def _product(one: int, other: int) -> int:
    product = 0
    while other:
        if other & 1:
            product ^= one
        one <<= 1
        if one & 0x100:
            one ^= _FIELD
        other >>= 1
    return product


def _patterns() -> Rows:
    """What is the same in every code; None where data goes."""
    rows: Rows = [[None] * SIZE for _ in range(SIZE)]
    for top, left in ((0, 0), (0, SIZE - 7), (SIZE - 7, 0)):
        _square(rows, top + 3, left + 3, dark=(0, 1, 3), reach=4)
    _square(rows, _ALIGNMENT, _ALIGNMENT, dark=(0, 2), reach=2)
    for place in range(8, SIZE - 8):
        rows[_TIMING][place] = rows[place][_TIMING] = 1 - place % 2
    for place in range(9):  # the format's, written last
        for y, x in ((8, place), (place, 8)):
            rows[y][x] = rows[y][x] or 0
    for place in range(SIZE - 8, SIZE):
        rows[8][place] = rows[place][8] = 0
    rows[SIZE - 8][8] = 1
    return rows


def _square(rows: Rows, y: int, x: int, *, dark: tuple[int, ...], reach: int) -> None:
    """Rings around a centre, by their distance from it."""
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if 0 <= y + down < SIZE and 0 <= x + right < SIZE:
                rows[y + down][x + right] = int(max(abs(down), abs(right)) in dark)


def _place(rows: Rows, codewords: list[int]) -> None:
    """Two columns at a time, from the right, up and down."""
    bits = iter("".join(f"{word:08b}" for word in codewords))
    upwards = True
    for right in (*range(SIZE - 1, _TIMING, -2), *range(_TIMING - 1, 0, -2)):
        for y in range(SIZE - 1, -1, -1) if upwards else range(SIZE):
            for x in (right, right - 1):
                if rows[y][x] is None:
                    rows[y][x] = int(next(bits, "0")) ^ int((x + y) % 2 == 0)
        upwards = not upwards


def _write_format(rows: Rows) -> None:
    """15 bits, twice."""
    rest = _FORMAT << 10
    for shift in range(4, -1, -1):
        if rest >> (shift + 10) & 1:
            rest ^= _FORMAT_GENERATOR << shift
    word = (_FORMAT << 10 | rest) ^ _FORMAT_MASK
    bits = [word >> number & 1 for number in range(15)]
    beside = [(8, x) for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [(y, 8) for y in (7, 5, 4, 3, 2, 1, 0)]
    apart = [(y, 8) for y in range(SIZE - 1, SIZE - 8, -1)]
    apart += [(8, x) for x in range(SIZE - 8, SIZE)]
    for places in (beside, apart):
        for (y, x), bit in zip(places, reversed(bits), strict=True):
            rows[y][x] = bit
