from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.campaign.importing import ContactsError
from bot.campaign.importing.text import MAX_CHARS, Lines, shown


def read(data: bytes, encoding: str | None = None, size: int = 1 << 20) -> list[str]:
    lines = Lines(encoding)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return [line for piece in pieces for line in lines.feed(piece)] + lines.end()


MIXED = "a\nb\r\nc\rd\r\r\n\ne\u2028f\x0bg\x85h\x1ci"
LINES = ["a", "b", "c", "d", "", "", "e\u2028f\x0bg\x85h\x1ci"]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("end", ["", "\r", "\n", "\r\n"])
def test_lines_end_in_three_ways_and_no_other(size: int, end: str) -> None:
    assert read((MIXED + end).encode(), size=size) == LINES


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", None), ("utf-8-sig", None), ("utf-8-sig", "utf-8"), ("utf-16", None),
        ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("cp1252", "windows-1252"),
        ("utf-32", "utf-32"), ("shift_jis", "shift_jis"),
    ],
)  # fmt: skip
def test_a_mark_or_the_user_says_the_encoding(encoding: str, said: str | None, size: int) -> None:
    text = "Zoë\r\n5" if encoding != "shift_jis" else "東京\r\n5"
    assert read(text.encode(encoding), said, size) == text.split("\r\n")


def test_big_endian_has_a_mark_too() -> None:
    assert read(b"\xfe\xff" + "é\nb".encode("utf-16-be")) == ["é", "b"]


@pytest.mark.parametrize("data", [b"", b"a", b"\xef\xbb\xbf"])
def test_a_short_text_is_one_too(data: bytes) -> None:
    assert "".join(read(data)) == data.decode("utf-8-sig")


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_another_encoding_is_said_with_line_and_byte(size: int) -> None:
    data = "näme\nAnn\r\nZoë ".encode() + "José".encode("cp1252")
    place = f"line 3: byte 0xe9 at offset {len(data) - 1} is not UTF-8: .*windows-1252"
    with pytest.raises(ContactsError, match=place):
        read(data + b"\nx", size=size)


def test_a_text_without_the_mark_that_its_encoding_asks_for_is_said() -> None:
    with pytest.raises(ContactsError, match=r"the text is not utf-16: .*BOM"):
        read("number\n5".encode("utf-16-le"), "utf-16")


def test_a_text_that_breaks_off_within_a_character_is_said() -> None:
    with pytest.raises(ContactsError, match="line 2: byte 0xc3 at offset 2 is not UTF-8"):
        read(b"a\n\xc3", size=1)


@pytest.mark.parametrize(
    "encoding", ["klingon", "base64", "", "undefined", "utf-8\0", "punycode", "idna"]
)
def test_what_is_no_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(ContactsError, match=r"there is no text encoding .* utf-8"):
        Lines(encoding)


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_a_long_line_is_cut_and_the_next_is_whole(size: int) -> None:
    first, second, third = read(b"x" * 1_000_000 + b"\ny\n" + b"z" * MAX_CHARS, size=size)
    assert (len(first), second, third) == (MAX_CHARS + 1, "y", "z" * MAX_CHARS)
    assert shown(first) == "x" * MAX_CHARS + "…"
    assert shown(third) == third


TEXTS = st.lists(st.sampled_from(["a", "é", "€", "\n", "\r", "\r\n", "😀"]), max_size=12)


@given(TEXTS, st.integers(1, 5), st.sampled_from(["utf-8", "utf-16"]))
def test_pieces_make_no_difference(parts: list[str], size: int, encoding: str) -> None:
    text = "".join(parts)
    plain = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert read(text.encode(encoding), size=size) == (plain if plain[-1] else plain[:-1])
