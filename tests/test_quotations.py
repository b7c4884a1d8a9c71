"""No stray quotation mark swallows a row; line breaks within a cell that is quoted as it should be stand."""

from collections.abc import Sequence
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import quotations
from features.errors import DataRefused
from features.quotations import MARK, TEXT_FOLLOWS, quotations_closed
from tests.test_formats import cells_of, declared


def naive(text: str, delimiter: str) -> str | None:
    """Character by character: the text with its marks, None if it is to be refused."""
    out, state, lines, i = "", "start", False, 0
    while i < len(text):
        c = text[i]
        if state == "quoted":
            if text[i : i + 2] == '""':
                out, i = out + '""', i + 2
                continue
            lines |= c in "\r\n"
            if c == '"':
                state = "open"
                follows = text[i + 1 :].lstrip(" ") if delimiter != " " else text[i + 1 :]
                if follows[0] not in delimiter + "\r\n":
                    if lines:
                        return None
                    c += MARK + delimiter * 3
        elif c in delimiter + "\r\n":
            state = "start"
        elif state == "start" and c == '"':
            state, lines = "quoted", False
        else:
            state = "open"
        out, i = out + c, i + 1
    return None if state == "quoted" else out


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    at = sorted({0, len(data), *(place for place in places if place < len(data))})
    return [data[a:b] for a, b in pairwise(at)]


@settings(max_examples=600, deadline=None)
@given(
    text=st.lists(st.sampled_from(['"', '"', ",", ";", "\n", "\r", " ", "a", "é"]), max_size=24).map("".join),
    delimiter=st.sampled_from([",", ";", " "]),
    places=st.lists(st.integers(1, 30), max_size=5),
)
def test_each_mark_is_read_as_character_by_character_wherever_blocks_end(text, delimiter, places) -> None:
    text += "\n"
    blocks = iter(cut(text.encode(), places))
    expected = naive(text, delimiter)
    try:
        found = list(quotations_closed("rows.csv", blocks, delimiter, 3))
    except DataRefused:
        assert expected is None
    else:
        assert all(found) and b"".join(found).decode() == expected


TWO = declared(columns={"ref": {}, "note": {}})


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ('1,"x\n2,y\n3,z', "opened and never closed"),
        ('1,"x\n2,y\n3,z\n', "opened and never closed"),
        ('1,x\n2,"y\n3,z\n4,"w\n', "may have swallowed"),
        ('1,x\r2,"y\r3,z\r4,"w\r', "may have swallowed"),
        ('1,"a\nb",c\n', "out of place"),
    ],
)
def test_a_file_in_which_a_mark_swallows_rows_is_refused(tmp_path, rows, says) -> None:
    (tmp_path / "rows_1.csv").write_text("ref,note\n" + rows)
    with pytest.raises(DataRefused, match=says):
        cells_of(tmp_path / "rows_1.csv", TWO)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_a_row_is_set_aside_if_text_follows_a_mark_and_the_others_are_read(tmp_path, line_break) -> None:
    rows = ["ref,note", '1,"a, ""b"""', '2,"The "Red" House"', '3,"four"5', '"4"x', '5,in "the" middle']
    rows += ['"6" ,"two|lines"', '7,""', '"8"x"y,']
    said = line_break.join([*rows, ""]).replace("|", line_break)
    (tmp_path / "rows_1.csv").write_bytes(said.encode())
    found = {row[0]: row[1:] for row in cells_of(tmp_path / "rows_1.csv", TWO)}
    assert found == {
        1: ("1", 'a, "b"', None),
        **dict.fromkeys((2, 3, 4, 8), (None, None, TEXT_FOLLOWS)),
        5: ("5", 'in "the" middle', None),
        6: ("6", f"two{line_break}lines", None),
        7: ("7", None, None),
    }


def test_long_texts_are_read_in_pieces_and_soon(tmp_path, monkeypatch) -> None:
    sound = b'1,"two\nlines",x\n' * 250_000  # 4 MB
    blocks = [sound[at : at + 2**19] for at in range(0, len(sound), 2**19)]
    started = process_time()
    assert b"".join(quotations_closed("rows.csv", iter(blocks), ",", 3)) == sound
    assert process_time() - started < 2
    plain = b"1,two\n" * 10
    assert all(block is plain for block in quotations_closed("rows.csv", iter([plain] * 3), ",", 2))
    monkeypatch.setattr(quotations, "LONGEST_CELL", 1000)
    asked = iter([b'1,"', *[plain] * 1000])
    with pytest.raises(DataRefused, match="never closed"):
        list(quotations_closed("rows.csv", asked, ",", 2))
    assert len(list(asked)) > 900  # it does not go on looking
