"""How alike two subjects are: Splink's model of our identity records, trained without knowing the truth.

u, how often a grade of likeness comes by chance, is counted among random pairs; m, how often it comes
between two records of one person, by expectation and maximisation among pairs that share a birth date and
among pairs that share a name. Of u is then taken out again what one person's own records add to it. A model
is plain JSON, the same for the same records and seed: one thread trains, since sums in another order end in
other digits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from math import log2
from typing import Any

import duckdb
import numpy as np
import splink.comparison_level_library as levels
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.comparison_library import CustomComparison

from features.declaration import IDENTIFIERS
from features.likeness import COMPARISONS, VERSION, Grade
from features.link_model import Model

SAME_BIRTH = "l.born = r.born AND l.born_firm AND r.born_firm"
SAME_NAME = "l.given = r.given AND l.surname = r.surname"
SURE = (
    *(f"l.{name} = r.{name}" for name in IDENTIFIERS),
    f"{SAME_NAME} AND {SAME_BIRTH}",
    f"l.uprn = r.uprn AND l.given = r.given AND {SAME_BIRTH}",
    f"l.postcode = r.postcode AND l.surname = r.surname AND l.given_initial = r.given_initial "
    f"AND {SAME_BIRTH}",
)
"""What hardly anybody shares with another: how often it holds says how many pairs are one person."""

KIN = " AND ".join(
    [
        "weighs.given < 0",
        "weighs.born = 0",
        "weighs.home > 0",
        *(f"weighs.{name} <= 0" for name in IDENTIFIERS),
    ]
)
"""Of other forenames, at one address, and a birth date is missing: mostly of one family, whose surname and
address go together while the model multiplies them as if they did not."""

SHARE = "probability_two_random_records_match"
LIKELY = 0.01
"""With what probability two count as maybe one person."""

FOUND_BY_SURE = 0.8
"""The share of all true pairs of which one of `SURE` is thought to hold."""

PAIRS_FOR_CHANCE, PAIRS_FOR_LIKENESS, THREADS = 2_000_000, 5_000_000, 2
ROUNDS, MOSTLY_ONE = 3, 20
"""How often chance and likeness are told apart in turn; by how much at most that makes chance rarer."""
LEAST = 0.001
"""How rarely at the least one person's records differ in a way: nothing is so sure that no pair tells."""
FEWEST_PAIRS = 20
"""With fewer pairs to learn from, what `features.likeness` begins with stands."""


def train(
    con: duckdb.DuckDBPyConnection,
    *,
    seed: int = 1,
    chance_pairs: int = PAIRS_FOR_CHANCE,
    extra: Mapping[str, tuple[str, list[Grade]]] | None = None,
) -> Model:
    """A model of how the subjects in `comparable` (see `features.blocking`) are alike.

    chance_pairs: how many random pairs to draw; what one pair in a million shares needs some millions.
    extra: comparisons besides `COMPARISONS`, over further columns of `comparable`.
    Returns {version, splink, seed, subjects, learned, settings}; settings are Splink's.
    """
    comparisons: list[Any] = [
        _comparison(name, *graded) for name, graded in {**COMPARISONS, **(extra or {})}.items()
    ]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on("keys", arrays_to_explode=["keys"])],
        unique_id_column_name="subject",
        retain_matching_columns=False,
        linker_uid="earlyhelp",
    )
    subjects, born_alike, named_alike = con.execute(
        """
        SELECT (SELECT count(*) FROM comparable),
               (SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM (
                   SELECT count(*) AS n FROM comparable WHERE born_firm GROUP BY born)),
               (SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM (
                   SELECT count(*) AS n FROM comparable
                   WHERE given IS NOT NULL AND surname IS NOT NULL GROUP BY given, surname))
        """
    ).fetchall()[0]
    learned = []
    with _linker(con, settings, threads=1) as linker:
        if subjects > 1:
            _guess_share(linker)
            linker.training.estimate_u_using_random_sampling(
                max_pairs=chance_pairs, seed=seed, min_count_per_level=None, num_chunks=1
            )
        for name, rule, pairs in (
            ("birth date", SAME_BIRTH, born_alike),
            ("name", SAME_NAME, named_alike),
        ):
            if pairs >= FEWEST_PAIRS and _learn(linker, rule, pairs):
                learned.append(name)
        found = linker.misc.save_model_to_json()
    if learned:
        _tell_chance_from_likeness(con, found, subjects=subjects)
    return {
        "version": VERSION,
        "splink": version("splink"),
        "seed": seed,
        "subjects": subjects,
        "learned": learned,
        "settings": _rounded(found),
    }


def make_pairs(con: duckdb.DuckDBPyConnection, model: Model, *, at_least: float = LIKELY) -> None:
    """Make temporary table pairs(l, r, probability, weight, weighs) of those in `comparable` who may be one.

    l < r number subjects. weight is in bits, all evidence and how rare it is to be one person together;
    weighs has what each comparison brings to it, how common the value is included. `KIN` are left out.
    """
    settings = {**model["settings"], "retain_intermediate_calculation_columns": True}
    with _linker(con, settings, threads=THREADS) as linker:
        found = linker.inference.predict(threshold_match_probability=at_least)
        columns = con.sql(f"FROM {found.physical_name}").columns
        weighs = ", ".join(
            f"{name}: mw_{name}" + (f" + mw_tf_adj_{name}" if f"mw_tf_adj_{name}" in columns else "")
            for name in (comparison["output_column_name"] for comparison in settings["comparisons"])
        )
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE pairs AS
            FROM (SELECT least(subject_l, subject_r) AS l, greatest(subject_l, subject_r) AS r,
                   match_probability AS probability, match_weight AS weight, {{{weighs}}} AS weighs
            FROM {found.physical_name}) WHERE NOT ({KIN}) ORDER BY l, r
            """
        )


def _tell_chance_from_likeness(con: duckdb.DuckDBPyConnection, settings: Any, *, subjects: int) -> None:
    """Take what one person's own records add out of how often chance makes two alike, in place.

    Among random pairs some are one person, and of those that share a birth date or a dwelling most are. How
    many are is what the model itself finds: begun with a guess, found and corrected in turn. From turn to
    turn only that share and some u change, so pairs are compared once, with twice as many one person as are
    thought to be and each u as low as it then can be: whoever is likely later is likely then.
    """
    drawn = []
    for comparison in settings["comparisons"]:
        graded = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        name = comparison["output_column_name"]
        for place, (level, grade) in enumerate(zip(graded, COMPARISONS.get(name, ("", []))[1], strict=False)):
            if level.get("u_probability") not in (None, grade[3]) and "m_probability" in level:
                found = (f"gamma_{name}", len(graded) - 1 - place)  # Splink numbers grades from the last
                drawn.append((level, level["u_probability"], found))
        for level in graded:
            if "m_probability" in level:
                level["m_probability"] = max(level["m_probability"], LEAST)

    def by_chance(level: Any, seen: float) -> float:
        return max((seen - share * level["m_probability"]) / (1 - share), seen / MOSTLY_ONE)

    def speaks_against() -> Any:
        """Bits that u takes from each pair; where it counts how common a value is, u does not count."""
        return sum(
            (pairs[column] == grade) * log2(level["u_probability"])
            for level, _, (column, grade) in drawn
            if not level.get("tf_adjustment_column")
        )

    share, most = settings[SHARE], 0.0
    for _ in range(ROUNDS):
        if share > most:
            before, share = share, 2 * share / (1 + share)
            for level, seen, _ in drawn:
                level["u_probability"] = min(seen, by_chance(level, seen))
            pairs = _likely(con, {**settings, SHARE: share}, {column for *_, (column, _) in drawn})
            weight = pairs["match_weight"] - log2(share / (1 - share)) + speaks_against()
            share, most = before, share
        for level, seen, _ in drawn:
            level["u_probability"] = by_chance(level, seen)
        probability = 1 / (1 + (1 - share) / share * np.exp2(speaks_against() - weight))
        if one := float(probability[probability >= LIKELY].sum()):
            share = one / (subjects * (subjects - 1) / 2)
    settings[SHARE] = share


def _likely(con: duckdb.DuckDBPyConnection, settings: Any, grades: set[str]) -> dict[str, Any]:
    """The weight in bits and those grades of all pairs that may be one person by these settings."""
    with _linker(con, {**settings, "retain_matching_columns": True}, threads=1) as linker:
        pairs = linker.inference.predict(threshold_match_probability=LIKELY).physical_name
        return con.execute(f"SELECT {', '.join(['match_weight', *sorted(grades)])} FROM {pairs}").fetchnumpy()


def rarity(model: Model) -> float:
    """How rare it is that two subjects are one person, in bits: what a pair's weight begins with."""
    share = model["settings"][SHARE]
    return log2(share / (1 - share))


def _comparison(name: str, nothing: str, grades: list[Grade]) -> CustomComparison:
    graded: list[Any] = [levels.CustomLevel(nothing, "nothing to go by").configure(is_null_level=True)]
    for said, condition, m, u, common in grades:
        level = levels.ElseLevel() if condition == "ELSE" else levels.CustomLevel(condition, said)
        level.configure(label_for_charts=said, m_probability=m, u_probability=u)
        if common:
            # The grade is that the two have the same: to let Splink find so, it parses every grade for each.
            level.configure(tf_adjustment_column=common, disable_tf_exact_match_detection=True)
        if name in IDENTIFIERS:  # two people never share one: chance cannot be counted
            level.configure(fix_u_probability=True)
        graded.append(level)
    return CustomComparison(graded, output_column_name=name)


def _learn(linker: Linker, rule: str, pairs: int) -> bool:
    """Learn from the pairs of a rule; False where they are too much alike: what was known before stands."""
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, max_pairs=PAIRS_FOR_LIKENESS if pairs > PAIRS_FOR_LIKENESS else None
        )
    except ValueError:  # Splink's, of a probability of 0 or 1
        return False
    return True


def _guess_share(linker: Linker) -> None:
    """Set how many of all pairs are one person; where nothing tells, what Splink begins with stands."""
    rules: list[Any] = list(SURE)
    before = linker._settings_obj._probability_two_random_records_match
    with suppress(ValueError):  # Splink's, where the rules find more than all
        linker.training.estimate_probability_two_random_records_match(rules, recall=FOUND_BY_SURE)
    if not linker._settings_obj._probability_two_random_records_match:
        linker._settings_obj._probability_two_random_records_match = before


@contextmanager
def _linker(con: duckdb.DuckDBPyConnection, settings: Any, *, threads: int) -> Iterator[Linker]:
    """A linker over `comparable` that leaves neither tables nor its number of threads behind."""
    log, before = (
        logging.getLogger("splink"),
        con.execute("SELECT current_setting('threads')").fetchall()[0][0],
    )
    level = log.level
    log.setLevel(logging.ERROR)  # it tells of values that nobody has, which is as it should be
    con.execute(f"SET threads = {threads}")
    try:
        # Its check of settings can only warn, of what is ours and tested, and is half of opening a linker.
        yield Linker(DuckDBAPI(con).register("comparable"), settings, log_level=None, validate_settings=False)
    finally:
        log.setLevel(level)
        con.execute(f"SET threads = {before}")
        made = "SELECT table_name, table_type FROM information_schema.tables"
        for table, kind in con.execute(f"{made} WHERE starts_with(table_name, '__splink__')").fetchall():
            con.execute(f'DROP {"VIEW" if kind == "VIEW" else "TABLE"} IF EXISTS "{table}"')


def _rounded(settings: Any) -> Any:
    """The same settings, every figure to twelve digits."""
    if isinstance(settings, dict):
        return {key: _rounded(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [_rounded(value) for value in settings]
    return float(f"{settings:.12g}") if isinstance(settings, float) else settings
