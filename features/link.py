"""Which subjects are one person, and where people lived: a link run.

Two subjects are one person where an identifier of both agrees (NHS number, UPN, NINO), where a source tells
another's key for somebody (`also`), where forenames, surname, birth date and a postcode all agree, and where
the workspace's link model finds them alike enough (`features.compare`), as far as the people that come of it
can be trusted (`features.clusters_checked`).
A workspace without a link model, as one is before there is enough to train it on, is linked by the exact
keys alone. Subjects of a source whose `subject` is `person` are not compared with anybody.

A link is known on the day of the latest record needed to make it. Everything is replayed, so that a past
morning joins nobody by what came later (`features.clusters`); a person keeps the id of the run before
(`features.carried`).

A subject whose key names a row and no person (`unidentified`) is nobody until it is joined to somebody;
then it is theirs, and never gives a person its id.

A run adds the timelines of those subjects and people that changed; its row in `link_runs`, written
last, commits it. Nothing delivered and no other model chosen, nothing is added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from features.answers import Answer, all_answers
from features.blocking import Crowded
from features.bound import bind_answers, date_strengths, keep_keys
from features.carried import carry_over, make_changes
from features.declaration import UNIDENTIFIED, shared_signals
from features.holdings import hold_in_pairs, keep_within, make_holdings
from features.link_model import Model, chosen_model
from features.lock import only_writer
from features.past_links import keep_the_past
from features.person_ids import DIGITS
from features.progress import Tell, quiet
from features.residences import make_address_facts, make_residences
from features.rule_sql import quoted
from features.says_little import SaysLittle, find_little
from features.snapshot import open_snapshot
from features.tables import SCHEMAS, Tables
from features.timelines import make_timelines
from features.unheard import before_unheard
from features.workspace import Workspace

SUBJECT_TABLES = ("events", "identities", "addresses", "registers", "marks", "paired_keys")


@dataclass(frozen=True)
class Refused:
    """A pair answered *same* that could not be joined, as that would contradict something, and what."""

    pair: str
    why: str


@dataclass(frozen=True)
class LinkReport:
    """What a link run found. `link_run` is the run now standing, an earlier one if nothing changed.

    model: the name of the link model, None where exact keys alone link. crowded: where so many shared a
    key (a hostel, a number filled in for nobody's) that nobody was compared by it. little: sources that say
    nothing of their subjects, or the same of many. refused: see `Refused`.
    """

    link_run: int
    last_delivery: int
    subjects: int
    persons: int
    changed: int
    model: str | None = None
    crowded: tuple[Crowded, ...] = ()
    refused: tuple[Refused, ...] = ()
    little: tuple[SaysLittle, ...] = ()


def person_id(source: str, subject_key: str) -> str:
    """The id of the first person founded by a subject, where nobody else has it: 'P' and 11 digits."""
    return "P" + hashlib.sha256(f"{source}|{subject_key}".encode()).hexdigest()[:DIGITS]


NOBODY_SQL = f"starts_with(subject_key, {quoted(UNIDENTIFIED)})"
"""Whether a subject stands for a row, and so for nobody until it is found to be somebody."""


def link(workspace: Workspace, *, tell: Tell = quiet) -> LinkReport:
    """Link everything that has been delivered. Safe to run again: what is linked stays as it is.

    Raises UserMistake where nothing has been ingested yet, or while another run is at work.
    """
    with only_writer(workspace):
        if (before := before_unheard(workspace)) is not None:
            tell("Following answers that were given before the newest deliveries came")
            _link(workspace, tell, up_to=before)
        return _link(workspace, tell)


def _link(workspace: Workspace, tell: Tell, *, up_to: int | None = None) -> LinkReport:
    """A run that reads the deliveries up to one; None: all of them."""
    snapshot = open_snapshot(workspace, last_delivery=up_to)
    con, tables = snapshot.con, snapshot.tables
    _clear_uncommitted(con, tables)
    tell("Comparing identities")
    chosen, answers = chosen_model(workspace), all_answers(workspace)
    given = _make_given(con)
    already_persons = [name for name, source in workspace.sources.items() if source.subject == "person"]
    crowded = make_links(
        con,
        already_persons=already_persons,
        model=chosen and chosen[1],
        shared=shared_signals(workspace.sources.values()),
        as_of=snapshot.morning_after,
        answers=answers,
        given=given,
    )
    carry_over(con, given=given)
    before = con.execute(
        f"SELECT last_delivery, model FROM all_link_runs WHERE link_run = {snapshot.link_run}"
    ).fetchall()
    if before and before[0][1] == (chosen and chosen[0]):
        keep_the_past(con, last_delivery=before[0][0], up_to=snapshot.last_delivery)
    tell("Putting residences in order")
    make_residences(con, links="new_links")
    _find_changes(con)
    subjects, persons, changed, moved = (
        int(con.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
        for rows in (
            "subjects",
            "(SELECT DISTINCT person_id FROM new_links WHERE known_until IS NULL)",
            "changed_subjects",
            "changed_residents",
        )
    )
    run, name = snapshot.link_run, chosen and chosen[0]
    if changed or moved or before != [(snapshot.last_delivery, name)]:
        run += 1  # also where nobody moved: the next run must know what this one had read, and by which model
        tell(f"Writing link run {run}: {changed:,} subjects, residences of {moved:,} people")
        _append_changes(tables, con, run)
        read = {"last_delivery": snapshot.last_delivery, "model": name, "answers": len(answers)}
        row = {"link_run": run, "subjects": subjects, "persons": persons, **read}
        tables.append("link_runs", pa.Table.from_pylist([row], SCHEMAS["link_runs"]))
    return LinkReport(
        run,
        snapshot.last_delivery,
        subjects=subjects,
        persons=persons,
        changed=changed,
        model=name,
        crowded=tuple(crowded),
        refused=tuple(Refused(*row) for row in con.execute("FROM refused_answers").fetchall()),
        little=tuple(find_little(con, already_persons=already_persons) if chosen else ()),
    )


def make_links(
    con: duckdb.DuckDBPyConnection,
    *,
    already_persons: Sequence[str],
    model: Model | None = None,
    shared: Sequence[str] = (),
    as_of: date | None = None,
    answers: Sequence[Answer] = (),
    given: str | None = None,
) -> list[Crowded]:
    """Make tables subjects, address_facts, new_timelines, new_links and refused_answers(pair, why) from a
    snapshot's dated tables.

    already_persons: the sources whose subject key is the person already. model: None for exact keys alone;
    else with as_of, the morning on which all that is held is known, and shared, the signals of a dwelling.
    given: see `features.person_ids`.
    new_links has source, subject_key, person_id, strength, known_on, known_until (NULL = standing): for
    each subject a row from every day on which its person changed. new_timelines has rows without a person
    too, from the day on which a subject is nobody's. Returns where crowds kept subjects from being compared.
    """
    number_subjects(con)
    make_address_facts(con)
    make_holdings(con, already_persons=already_persons)
    con.execute("CREATE OR REPLACE TEMP TABLE refused_answers (pair VARCHAR, why VARCHAR)")
    if answers:
        keep_keys(con)
    crowded: list[Crowded] = []
    con.execute("CREATE OR REPLACE TEMP TABLE trusted (source VARCHAR, subject_key VARCHAR, strength DOUBLE)")
    if model is not None and as_of is not None:
        from features.probable_people import make_probable  # Splink, which exact keys do not need

        found = make_probable(con, model, as_of, already_persons=already_persons, shared=shared)
        crowded = found.crowded
        keep_within(con, TRUSTED)
        hold_in_pairs(con, LIKELY)
    if answers and (refused := bind_answers(con, answers, probable=model is not None)):
        con.executemany("INSERT INTO refused_answers VALUES (?, ?)", refused)
    make_timelines(con, nobody=NOBODY_SQL, given=given)
    con.execute(
        """
        ALTER TABLE new_timelines ADD COLUMN strength DOUBLE DEFAULT 1.0;
        UPDATE new_timelines SET strength = t.strength FROM trusted t
        WHERE t.source = new_timelines.source AND t.subject_key = new_timelines.subject_key;
        CREATE OR REPLACE TEMP VIEW new_links AS FROM new_timelines WHERE person_id IS NOT NULL
        """
    )
    if answers:
        date_strengths(con)
    return crowded


TRUSTED = "(SELECT s.subject, t.person FROM trusted t JOIN subjects s USING (source, subject_key))"
"""The people that can be trusted, as `subjects` numbers them."""

LIKELY = """(
    SELECT least(a.subject, b.subject) AS l, greatest(a.subject, b.subject) AS r,
           DATE '1970-01-01' + p.from_day AS known_on
    FROM pair_days p JOIN trusted t ON t.subject = p.l JOIN trusted u ON u.subject = p.r
    JOIN subjects a ON a.source = t.source AND a.subject_key = t.subject_key
    JOIN subjects b ON b.source = u.source AND b.subject_key = u.subject_key
    WHERE t.person = u.person)"""
"""The pairs that made them."""


def _make_given(con: duckdb.DuckDBPyConnection) -> str:
    """Make temporary table given(source, subject_key, person_id), who had which id in any run that stands."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE given AS
        SELECT DISTINCT source, subject_key, person_id FROM all_links SEMI JOIN all_link_runs USING (link_run)
        WHERE person_id IS NOT NULL
        """
    )
    return "given"


def number_subjects(con: duckdb.DuckDBPyConnection) -> None:
    """Make temporary table subjects(subject, source, subject_key, known_on), numbered by seniority."""
    seen = " UNION ALL ".join(
        f"SELECT source, subject_key, delivery_id, min(known_on) AS known_on FROM {table} "
        "WHERE subject_key IS NOT NULL GROUP BY ALL"
        for table in SUBJECT_TABLES
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE subjects AS
        SELECT row_number() OVER (ORDER BY {NOBODY_SQL}, received_on, known_on, source, subject_key) - 1
                   AS subject,
               source, subject_key, known_on
        FROM (
            SELECT s.source, subject_key, min(d.received_on) AS received_on, min(known_on) AS known_on
            FROM ({seen}) s JOIN all_deliveries d USING (delivery_id) GROUP BY s.source, subject_key
        )
        """
    )


def _find_changes(con: duckdb.DuckDBPyConnection) -> None:
    """Make temporary tables changed_subjects and changed_residents: whose rows are not as they stood.

    A subject of whom nothing is held any more (an erasure) has no timeline to change.
    """
    link = "source, subject_key, person_id, strength, known_on, known_until"
    spell = "person_id, uprn, postcode, area, start_on, end_on, known_on, known_until"
    known = "SEMI JOIN subjects USING (source, subject_key)"
    for name, columns, who, new, old, still_there in (
        ("changed_subjects", link, "source, subject_key", "new_links", "links", known),
        ("changed_residents", spell, "person_id", "new_residences", "told_residences", ""),
    ):
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT DISTINCT {who} FROM (
                (SELECT {columns} FROM {new} EXCEPT SELECT {columns} FROM {old})
                UNION ALL (SELECT {columns} FROM {old} EXCEPT SELECT {columns} FROM {new})
            ) {still_there}
            """
        )


def _append_changes(tables: Tables, con: duckdb.DuckDBPyConnection, run: int) -> None:
    """Append every row of the subjects and residents that changed; nobody's residence is a null UPRN."""
    links = f"SELECT {run} AS link_run, * EXCLUDE (known_until) FROM new_timelines SEMI JOIN changed_subjects"
    tables.append("links", con.sql(f"{links} USING (source, subject_key) ORDER BY ALL").to_arrow_table())
    spells = (
        f"SELECT {run} AS link_run, n.* EXCLUDE (person_id), c.person_id "
        "FROM changed_residents c LEFT JOIN new_residences n USING (person_id)"
    )
    tables.append("residences", con.sql(f"{spells} ORDER BY ALL").to_arrow_table())
    make_changes(con)
    log = f"SELECT {run} AS link_run, * FROM person_changes ORDER BY ALL"
    tables.append("person_log", con.sql(log).to_arrow_table())


def _clear_uncommitted(con: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Remove what a run that crashed before its ledger row left behind."""
    for name in ("links", "residences", "person_log"):
        rows = tables.view(con, name)
        left = con.execute(
            f"SELECT DISTINCT link_run FROM {rows} ANTI JOIN all_link_runs USING (link_run)"
        ).fetchall()
        for (run,) in left:
            tables.remove(name, f"link_run = {run}")
