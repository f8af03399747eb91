"""What of a file is read to know its content again, and what that proves.

A file's mark is a SHA-256, cut to 16 octets, over a secret, the file's size and modification
time, on some file systems its change time and inode number, and the octets that `blocks_of`
names.  The secret is drawn for every new manifest and lies on no medium: it decides which
blocks of a large file are read, so who changes a medium cannot know which to spare, and it
keys the marks, so no second content with the same mark can be looked for.

Small files are read whole.  What is large is measured differently:

* Where the kernel keeps a *change time* that no system call sets (ext2/3/4, XFS, Btrfs,
  F2FS), any write through a mounted file system shows, whatever was done to size and
  modification time afterwards.  Files above 16 KiB are read in their first and last blocks
  and in blocks drawn by the secret.  Unnoticed stays only a change of other blocks by somebody
  who wrote to the raw device, or set the clock of another machine to the nanosecond.
* Elsewhere (FAT, exFAT, NTFS, ISO, FUSE: change times are missing, or any program may set
  them) files up to 16 MiB are read whole, so any change of theirs shows.  Of larger ones about
  1.1 MiB is read: who changes one part of a larger file, in place, and restores its times, is
  noticed with the probability that this part meets what is read.

`strict` reads every octet of every file; then a change can only be where no file's content
is.  Holes (SEEK_DATA) are passed over: their place is part of the mark, they hold nothing.

Not proved by either: rights, owners, symbolic links, empty folders, alternate streams and
extended attributes, deleted files, unallocated blocks; of the rest outside files only the boot
sectors and the partition table (`agent.system.boot_area`).  A device whose own firmware shows
other content later than at the check deceives every check of content, this one included.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

KEEP_CHANGE_TIME = frozenset(("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"))
MARK_SIZE = 16
SECRET_SIZE = 32
_PAGE = 4096
_DRAWN_AT_ONCE = 8
_WORD = 8


class Sampling(NamedTuple):
    """Files up to `whole` octets are read whole; of larger ones the first and last `edge` and
    blocks of `block` octets: `least`, and one more for every `per`, at most `most`.
    """

    whole: int
    edge: int
    block: int
    least: int
    most: int
    per: int


WITH_CHANGE_TIME = Sampling(whole=16 << 10, edge=4096, block=4096, least=1, most=64, per=16 << 20)
WITHOUT_CHANGE_TIME = Sampling(
    whole=16 << 20, edge=64 << 10, block=16 << 10, least=64, most=64, per=1 << 40
)
STRICT = Sampling(whole=1 << 62, edge=0, block=0, least=0, most=0, per=1 << 62)


def sampling_for(filesystem: str, *, strict: bool) -> Sampling:
    """By the kernel's name of the file system's type."""
    if strict:
        return STRICT
    return WITH_CHANGE_TIME if filesystem in KEEP_CHANGE_TIME else WITHOUT_CHANGE_TIME


def blocks_of(
    path: bytes, size: int, sampling: Sampling, secret: bytes
) -> Sequence[tuple[int, int]]:
    """Which (offset, length) of a file are read, in order; the same for the same secret."""
    if size <= sampling.whole:
        return ((0, size),) if size else ()
    wanted = min(sampling.most, sampling.least + size // sampling.per)
    places = -(-size // _PAGE)
    last = size - sampling.edge
    blocks = {(0, sampling.edge), (last, sampling.edge)}
    for word in _drawn(path, secret, wanted):
        start = word % places * _PAGE
        blocks.add((start, min(sampling.block, size - start)))
    return sorted(blocks)


def name_mark(path: bytes, secret: bytes) -> bytes:
    """What stands for a file's name in a manifest: manifests travel, names of files do not.  Who
    holds the manifest, and with it the secret, can still try names that he thinks of.
    """
    return hashlib.blake2b(path, key=secret, digest_size=MARK_SIZE).digest()


def _drawn(path: bytes, secret: bytes, count: int) -> Iterator[int]:
    """Numbers that nobody foretells without the secret: BLAKE2b as a keyed stream."""
    for turn in range(-(-count // _DRAWN_AT_ONCE)):
        wanted = min(_DRAWN_AT_ONCE, count - turn * _DRAWN_AT_ONCE)
        salt = turn.to_bytes(_WORD, "big")
        stream = hashlib.blake2b(path, key=secret, salt=salt, digest_size=wanted * _WORD).digest()
        yield from struct.unpack(f"!{wanted}Q", stream)
