import pytest
from backports import zstd

from collector.packing import TooLarge, Unpackable, is_packed, unpacked

JSON = b'{"protocol": 1}'


@pytest.mark.parametrize("body", [JSON, b" \n" + JSON, b"[1, 2, 3, 45]"])
def test_json_is_taken_as_it_is(body):
    assert not is_packed(body)
    assert unpacked(body, limit=100) == body


def test_a_frame_gives_its_content():
    assert is_packed(zstd.compress(JSON))
    assert unpacked(zstd.compress(JSON), limit=len(JSON)) == JSON


@pytest.mark.parametrize("body", [JSON, zstd.compress(JSON), zstd.compress(b"\0" * 10_000_000)])
def test_one_byte_more_than_the_limit_is_too_large(body):
    with pytest.raises(TooLarge, match=f"more than {len(JSON) - 1} bytes"):
        unpacked(body, limit=len(JSON) - 1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "cut off"),
        (b"\x00\x01rubbish", "not zstd"),
        (zstd.compress(JSON)[:-3], "cut off"),
        (zstd.compress(JSON) + b"x", "something follows"),
    ],
)
def test_what_is_no_whole_frame_cannot_be_unpacked(body, said):
    with pytest.raises(Unpackable, match=said):
        unpacked(body, limit=1000)


def test_a_frame_that_asks_for_more_memory_than_a_batch_may_have_is_refused():
    options = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.content_size_flag: 0,
    }
    greedy = zstd.ZstdCompressor(options=options)
    frame = greedy.compress(JSON, zstd.ZstdCompressor.FLUSH_BLOCK)
    frame += greedy.compress(JSON, zstd.ZstdCompressor.FLUSH_FRAME)

    with pytest.raises(Unpackable, match="not zstd"):
        unpacked(frame, limit=1000)
