"""Answers that would join what contradicts itself, looked at anew: which two records contradict each other.

A link run says that such an answer is not followed, and why. To put it right somebody must see the two
records; they need not be the two that were asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from features.answers import Answer, Subject
from features.bound import bind_answers, keep_keys
from features.holdings import make_holdings
from features.link import number_subjects
from features.residences import make_address_facts


@dataclass(frozen=True)
class Refusal:
    """A pair answered *same* that stays two people. between: the two records that contradict each other, None
    where it is not two (too many records for one person)."""

    pair: str
    why: str
    between: tuple[Subject, Subject] | None


def refusals(
    con: duckdb.DuckDBPyConnection, answers: Sequence[Answer], *, already_persons: Iterable[str]
) -> list[Refusal]:
    """What the next link run will refuse. Needs what `features.probable_people.make_probable` leaves."""
    number_subjects(con)
    make_address_facts(con)
    make_holdings(con, already_persons=tuple(already_persons))
    keep_keys(con)
    refused = bind_answers(con, answers, probable=True)
    between = {pair: ((a, b), (c, d)) for pair, a, b, c, d in con.execute("FROM contradicting").fetchall()}
    return [Refusal(pair, why, between.get(pair)) for pair, why in refused]
