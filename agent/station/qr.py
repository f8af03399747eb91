"""The number of a receipt as a QR code (ISO/IEC 18004), drawn by the page as one SVG path."""

import segno


def qr_path(text: str) -> str:
    """The dark modules, in units of one module, without a margin."""
    code = segno.make(text.upper(), error="l", micro=False)
    dark = ((x, y) for y, row in enumerate(code.matrix) for x, on in enumerate(row) if on)
    return "".join(f"M{x} {y}h1v1h-1z" for x, y in dark)
