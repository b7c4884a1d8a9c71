"""Names in the form in which two of them are compared: accents, spellings and short forms folded away.

The same name is written in many ways: Siân or Sian, O'Neill or Oneill, Muhammad or Mohammed, Bill or
William. What is folded here is only ever one grade of likeness among others: an equal spelling says
more, and how much more is learned from the records (see `features.compare`).
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from features.nicknames import full_names

LETTERS = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ł": "l",
    "ı": "i",
    "ħ": "h",
}
"""Latin letters that are no letter with an accent, and how they are written without."""

SOUNDS = ("ph f", "kh k", "ck k", "dh d", "th t", "sh s", "ch c", "gh g", "q k", "z s")
"""What is written in either way when a name comes from another language or another alphabet."""


def make_folding(con: duckdb.DuckDBPyConnection) -> None:
    """Make the SQL macros named_words, folded and sounded, and table short_forms(form, full_names).

    named_words(text): the words of a name as a list, folded; a hyphen parts two, an apostrophe does not.
    folded(text):      all of its letters and digits in one piece; NULL where none is left.
    sounded(folded):   its first letter and the consonants after it, in one spelling.
    """
    # Control characters go first: nfc_normalize ends a text at a null byte.
    bare = r"strip_accents(lower(nfc_normalize(regexp_replace(given, '\p{Cc}', '', 'g'))))"
    for letter, plain in LETTERS.items():
        bare = f"replace({bare}, '{letter}', '{plain}')"
    spelled = "given"
    for pair in SOUNDS:
        written, sound = pair.split()
        spelled = f"replace({spelled}, '{written}', '{sound}')"
    con.execute(
        rf"""
        CREATE OR REPLACE TEMP MACRO bare(given) AS {bare};
        CREATE OR REPLACE TEMP MACRO unmarked(given) AS
            regexp_replace(bare(given), '[''’`´.\p{{Cf}}]', '', 'g');
        CREATE OR REPLACE TEMP MACRO named_words(given) AS list_filter(
            string_split_regex(unmarked(given), '[^\p{{L}}\p{{M}}\p{{N}}]+'), lambda word: word <> '');
        CREATE OR REPLACE TEMP MACRO folded(given) AS
            nullif(regexp_replace(bare(given), '[^\p{{L}}\p{{M}}\p{{N}}]', '', 'g'), '');
        CREATE OR REPLACE TEMP MACRO one_spelling(given) AS {spelled};
        CREATE OR REPLACE TEMP MACRO consonants(given) AS
            left(given, 1) || regexp_replace(given[2:], '[aeiouyhw]', '', 'g');
        CREATE OR REPLACE TEMP MACRO undoubled(given) AS array_to_string(list_filter(
            string_split(given, ''), lambda letter, nth: nth = 1 OR letter <> given[nth - 1]), '');
        CREATE OR REPLACE TEMP MACRO sounded(given) AS undoubled(consonants(one_spelling(given)))
        """
    )
    forms = full_names()
    table = pa.table({"form": list(forms), "full_names": list(forms.values())})
    con.register("given_forms", table)
    con.execute("CREATE OR REPLACE TEMP TABLE short_forms AS FROM given_forms")
    con.unregister("given_forms")
