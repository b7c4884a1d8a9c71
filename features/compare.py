"""How alike two subjects are: Splink's model of our identity records, trained without knowing the truth.

u, how often a grade of likeness comes by chance, is counted among random pairs; m, how often it comes
between two records of one person, by expectation and maximisation among pairs that share a birth date and
among pairs that share a name. A model is plain JSON, the same for the same records and seed: one thread
trains, since sums in another order end in other digits.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import splink.comparison_level_library as levels
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.comparison_library import CustomComparison

from features.declaration import IDENTIFIERS
from features.errors import UserMistake
from features.likeness import COMPARISONS, VERSION, Grade

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

FOUND_BY_SURE = 0.8
"""The share of all true pairs of which one of `SURE` is thought to hold."""

PAIRS_FOR_CHANCE, PAIRS_FOR_LIKENESS, THREADS = 2_000_000, 5_000_000, 2
FEWEST_PAIRS = 20
"""With fewer pairs to learn from, what `features.likeness` begins with stands."""

Model = dict[str, Any]


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
            if pairs >= FEWEST_PAIRS:
                linker.training.estimate_parameters_using_expectation_maximisation(
                    rule, max_pairs=PAIRS_FOR_LIKENESS if pairs > PAIRS_FOR_LIKENESS else None
                )
                learned.append(name)
        found = linker.misc.save_model_to_json()
    return {
        "version": VERSION,
        "splink": version("splink"),
        "seed": seed,
        "subjects": subjects,
        "learned": learned,
        "settings": _rounded(found),
    }


def save_model(model: Model, path: Path) -> None:
    """Write a model; one model always gives the same bytes."""
    path.write_text(json.dumps(model, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_model(path: Path) -> Model:
    """Read a model. Raises UserMistake where it is none, or one of another version."""
    try:
        model = json.loads(path.read_text(encoding="utf-8"))
        given = (model["version"], model["splink"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserMistake(f"{path.name} is no link model.", problems=["train one"]) from error
    if given != (VERSION, version("splink")):
        raise UserMistake(
            f"The link model {path.name} was made for another version.",
            problems=[
                f"it is of version {given[0]} with Splink {given[1]}",
                f"this is version {VERSION} with Splink {version('splink')}: train it again",
            ],
        )
    return model


def make_pairs(con: duckdb.DuckDBPyConnection, model: Model, *, at_least: float = 0.01) -> None:
    """Make temporary table pairs(l, r, probability, weight) of those in `comparable` who may be one.

    l < r number subjects; weight is in bits, all evidence and how rare it is to be one person together.
    """
    with _linker(con, model["settings"], threads=THREADS) as linker:
        found = linker.inference.predict(threshold_match_probability=at_least)
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE pairs AS
            SELECT least(subject_l, subject_r) AS l, greatest(subject_l, subject_r) AS r,
                   match_probability AS probability, match_weight AS weight
            FROM {found.physical_name} ORDER BY l, r
            """
        )


def _comparison(name: str, nothing: str, grades: list[Grade]) -> CustomComparison:
    graded: list[Any] = [levels.CustomLevel(nothing, "nothing to go by").configure(is_null_level=True)]
    for said, condition, m, u, common in grades:
        level = levels.ElseLevel() if condition == "ELSE" else levels.CustomLevel(condition, said)
        level.configure(label_for_charts=said, m_probability=m, u_probability=u)
        if common:
            level.configure(tf_adjustment_column=common)
        if name in IDENTIFIERS:  # two people never share one: chance cannot be counted
            level.configure(fix_u_probability=True)
        graded.append(level)
    return CustomComparison(graded, output_column_name=name)


def _guess_share(linker: Linker) -> None:
    """Set how many of all pairs are one person; where nothing tells, what Splink begins with stands."""
    rules: list[Any] = list(SURE)
    before = linker._settings_obj._probability_two_random_records_match
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
        yield Linker(DuckDBAPI(con).register("comparable"), settings, log_level=None)
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
