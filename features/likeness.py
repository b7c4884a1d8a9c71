"""How two identity records are graded, one kind of evidence at a time, from the strongest likeness to none.

What a grade weighs is learned from the records (`features.compare`); the figures here are where learning
begins, and what stands for a grade that is never seen. How common a name, a birth date or an address is
counts in full: two Smiths are less alike than two Featherstonehaughs, and 1 January says little.

What depends on each other is one comparison, since Splink multiplies them as if they did not: a dwelling
has only one postcode. Names in the wrong order are graded under forenames and say nothing under surname.
"""

from __future__ import annotations

from features.declaration import IDENTIFIERS

VERSION = 2
"""Of these grades and of identity records: a model of another version cannot be used with them."""

SWAPPED = (
    "(given_l = surname_r AND surname_l = given_r OR jaro_winkler_similarity(given_l, surname_r) >= 0.9 "
    "AND jaro_winkler_similarity(surname_l, given_r) >= 0.9) AND given_l <> given_r"
)

BEGINS = (
    "(starts_with(given_l, given_r) OR starts_with(given_r, given_l)) "
    "AND least(len(given_l), len(given_r)) > 2 AND given_l <> given_r"
)
"""Of two forenames one is how the other begins: Jord and Jordan."""

ONE_SLIP = (
    "levenshtein(born_l, born_r) <= 2 AND (born_l[1:4] = born_r[1:4])::INTEGER "
    "+ (born_l[6:7] = born_r[6:7])::INTEGER + (born_l[9:] = born_r[9:])::INTEGER >= 2"
)
"""Two of year, month and day are the same and the third nearly: one figure, or two that changed places."""

Grade = tuple[str, str, float, float, str | None]
"""Name, condition, m and u to begin with (and to stay where a grade is never seen), column whose
commonness counts."""


def _sounds(name: str) -> str:
    likeness = f"jaro_winkler_similarity({name}_l, {name}_r)"
    return f"{likeness} >= 0.9 OR {name}_sound_l = {name}_sound_r AND {likeness} >= 0.75"


def _identifier(name: str) -> tuple[str, list[Grade]]:
    return f"{name}_l IS NULL OR {name}_r IS NULL", [
        ("the same", f"{name}_l = {name}_r", 0.96, 1e-7, None),
        ("one slip of the pen", f"levenshtein({name}_l, {name}_r) = 1", 0.02, 1e-5, None),
        ("another", "ELSE", 0.02, 1.0, None),
    ]


COMPARISONS: dict[str, tuple[str, list[Grade]]] = {
    "given": (
        "given_initial_l IS NULL OR given_initial_r IS NULL",
        [
            ("the same", "given_l = given_r", 0.75, 0.005, "given"),
            ("in the other order", SWAPPED, 0.01, 1e-6, None),
            ("a short form", f"list_has_any(full_names_l, full_names_r) OR {BEGINS}", 0.04, 0.001, None),
            ("spelled alike", _sounds("given"), 0.1, 0.004, None),
            ("another forename", "list_has_any(given_names_l, given_names_r)", 0.01, 0.002, None),
            (
                "the initial, where no more is known",
                "(given_l IS NULL OR given_r IS NULL OR least(len(given_l), len(given_r)) = 1) "
                "AND given_initial_l = given_initial_r",
                0.02,
                0.01,
                None,
            ),
            ("somewhat alike", "jaro_winkler_similarity(given_l, given_r) >= 0.75", 0.03, 0.03, None),
            ("unlike", "ELSE", 0.03, 0.94, None),
        ],
    ),
    "surname": (
        f"surname_initial_l IS NULL OR surname_initial_r IS NULL OR ({SWAPPED})",
        [
            ("the same", "surname_l = surname_r", 0.8, 0.004, "surname"),
            ("spelled alike", _sounds("surname"), 0.08, 0.003, None),
            (
                "a former one, or part of a double one",
                "list_has_any(surnames_l, surnames_r)",
                0.04,
                0.004,
                None,
            ),
            (
                "the initial, where no more is known",
                "(surname_l IS NULL OR surname_r IS NULL) AND surname_initial_l = surname_initial_r",
                0.02,
                0.01,
                None,
            ),
            ("somewhat alike", "jaro_winkler_similarity(surname_l, surname_r) >= 0.75", 0.02, 0.02, None),
            ("unlike", "ELSE", 0.04, 0.96, None),
        ],
    ),
    "born": (
        "born_l IS NULL OR born_r IS NULL",
        [
            ("the same", "born_l = born_r AND born_firm_l", 0.88, 0.0001, None),
            ("the same placeholder", "born_l = born_r", 0.01, 0.001, None),
            (
                "day and month in the other order",
                "born_l[1:4] = born_r[1:4] AND born_l[6:7] = born_r[9:10] AND born_l[9:10] = born_r[6:7]",
                0.01,
                0.0001,
                None,
            ),
            ("one slip of the pen", ONE_SLIP, 0.05, 0.002, None),
            (
                "the same year, where the day is not known",
                "born_l[1:4] = born_r[1:4] AND NOT (born_firm_l AND born_firm_r)",
                0.02,
                0.001,
                None,
            ),
            ("two slips of the pen", "levenshtein(born_l, born_r) <= 2", 0.02, 0.02, None),
            ("another day", "ELSE", 0.02, 0.98, None),
        ],
    ),
    "home": (
        "(uprn_l IS NULL OR uprn_r IS NULL) AND (district_l IS NULL OR district_r IS NULL)",
        [
            ("the same dwelling", "uprn_l = uprn_r", 0.5, 0.00005, "uprn"),
            ("a dwelling of before", "list_has_any(uprns_l, uprns_r)", 0.1, 0.00005, None),
            ("the same postcode", "postcode_l = postcode_r", 0.1, 0.0005, "postcode"),
            ("a postcode of before", "list_has_any(postcodes_l, postcodes_r)", 0.05, 0.0005, None),
            ("one slip in the postcode", "levenshtein(postcode_l, postcode_r) = 1", 0.05, 0.005, None),
            ("the same district", "district_l = district_r", 0.1, 0.05, None),
            ("elsewhere", "ELSE", 0.1, 0.94, None),
        ],
    ),
    "sex": (
        "sex_l IS NULL OR sex_r IS NULL",
        [("the same", "sex_l = sex_r", 0.98, 0.5, None), ("the other", "ELSE", 0.02, 0.5, None)],
    ),
    "phone": (
        "phones_l IS NULL OR phones_r IS NULL",
        [
            ("one in common", "list_has_any(phones_l, phones_r)", 0.6, 0.00005, None),
            ("none in common", "ELSE", 0.4, 1.0, None),
        ],
    ),
    "email": (
        "emails_l IS NULL OR emails_r IS NULL",
        [
            ("one in common", "list_has_any(emails_l, emails_r)", 0.6, 0.00001, None),
            ("none in common", "ELSE", 0.4, 1.0, None),
        ],
    ),
    **{name: _identifier(name) for name in IDENTIFIERS},
}
"""Comparison → (when it says nothing, its grades): conditions are DuckDB's, over the columns of
`identity_records` with _l and _r; the first that holds is the grade."""
