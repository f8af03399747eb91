"""The endpoint's own secret, with which names of files are hashed before they travel."""

import secrets
from pathlib import Path

from agent.durable import make_private_folder, read_whole, write_durably

_BYTES = 32


def own_salt(state: Path) -> bytes:
    """Made at the first call and the same ever after, so that hashes can be compared.

    Raises:
        OSError: it can neither be read nor kept.
    """
    path = state / "salt"
    known = read_whole(path)
    if known is not None and len(known) == _BYTES:
        return known
    make_private_folder(state)
    fresh = secrets.token_bytes(_BYTES)
    write_durably(path, fresh)
    return fresh


def passing_salt() -> bytes:
    """For a look whose hashes nobody will compare with others."""
    return secrets.token_bytes(_BYTES)
