"""A manifest as it travels."""

import pytest

from agent.media.manifest import (
    Manifest,
    NoManifest,
    Part,
    fingerprint_of,
    opened,
    packed,
    unpacked_octets,
)

MANIFEST = Manifest(
    parts=(
        Part(
            place="u",
            secret=b"s" * 32,
            strict=False,
            filesystem="ext4",
            boot=b"b",
            marks={b"a\xff\n": b"m" * 16},
        ),
    ),
)


def test_a_manifest_comes_back_as_it_was():
    octets = unpacked_octets(MANIFEST)

    assert opened(packed(octets), fingerprint_of(octets)) == MANIFEST
    assert (MANIFEST.files, MANIFEST.part("u"), MANIFEST.part("v")) == (1, MANIFEST.parts[0], None)


@pytest.mark.parametrize(
    "body",
    [b"", b"no zstd", packed(b"other octets"), packed(unpacked_octets(MANIFEST))[:-3]],
)
def test_what_the_receipt_does_not_speak_of_is_no_manifest(body):
    with pytest.raises(NoManifest):
        opened(body, fingerprint_of(unpacked_octets(MANIFEST)))


def test_octets_that_are_no_manifest_are_refused_though_the_receipt_speaks_of_them():
    with pytest.raises(NoManifest):
        opened(packed(b"\x01"), fingerprint_of(b"\x01"))
