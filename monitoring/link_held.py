"""The subjects of a workspace beside a truth: who each is, whom it was linked as, and whether it could be.

*Linkable* is judged from what the agencies' records say, never from the truth or the links: a strong
identifier, or a name (a surname, and a forename or an initial) with a birth date or an address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np

from features.declaration import IDENTIFIERS, Source
from features.folding import make_folding
from features.identity_records import make_stated
from features.link import SUBJECT_TABLES
from features.near import sql_one_of
from features.snapshot import Snapshot
from models.groups import UNKNOWN, characteristics
from monitoring.link_truth import Told

LINKABLE = "linkable"
WHY_NOT = ("no_whole_name", "name_alone", "nothing_said", "person_already")
"""Why not: no surname with a forename or an initial; a name with neither birth date nor address; records
that say nothing of who it is; a source whose key is the person already, and is compared with nobody's."""


@dataclass(frozen=True)
class Held:
    """Arrays of (n,), a row a subject. Codes count from 0; one under 0 says that there is none.

    source: at which place in `sources`; state: LINKABLE or one of WHY_NOT; person: who it truly is, under
    0 where the truth does not say; cluster: whom it was linked as, itself where nobody; ids: (n, 3);
    planted: name → bool; groups: characteristic → the true person's group as agencies tell it, and
    `<characteristic>_true` → as the truth does.
    """

    sources: tuple[str, ...]
    source: np.ndarray
    state: np.ndarray
    person: np.ndarray
    cluster: np.ndarray
    ids: np.ndarray
    planted: dict[str, np.ndarray]
    groups: dict[str, np.ndarray]
    never_sent: int
    """How many keys the truth names that no agency has sent."""


def first_morning(snapshot: Snapshot) -> date:
    """The first morning on which all that is read counts."""
    ledger = snapshot.tables.view(snapshot.con, "deliveries")
    query = f"SELECT max(received_on) FROM {ledger} WHERE delivery_id <= {snapshot.last_delivery}"
    return snapshot.con.execute(query).fetchall()[0][0] + timedelta(days=1)


def hold_together(snapshot: Snapshot, as_of: date, told: Told) -> Held:
    """A snapshot's subjects and its standing links beside table truth, which `read_truth` has made on its
    connection and of which `told` is what it returned."""
    con, declared = snapshot.con, snapshot.workspace.sources
    already = [name for name, source in declared.items() if source.subject == "person"]
    make_stated(con, as_of, already_persons=already)
    make_folding(con)
    _make_beside(con, already)
    rows = con.execute("SELECT * EXCLUDE (subject_key) FROM beside ORDER BY subject").fetchnumpy()
    lists = con.execute(
        "SELECT said, planted FROM beside LEFT JOIN truth USING (source, subject_key) ORDER BY subject"
    ).fetchall()
    sources, source = np.unique(np.asarray(rows["source"], dtype=str), return_inverse=True)
    never_sent = con.execute("SELECT count(*) FROM truth ANTI JOIN beside USING (source, subject_key)")
    return Held(
        sources=tuple(sources.tolist()),
        source=source,
        state=np.asarray(rows["state"], dtype=object),
        person=np.asarray(rows["person"]),
        cluster=np.asarray(rows["cluster"]),
        ids=np.stack([np.asarray(rows[name]) for name in IDENTIFIERS], axis=1),
        planted={
            name: np.array([bool(yes and yes[i]) for _, yes in lists]) for i, name in enumerate(told.planted)
        },
        never_sent=never_sent.fetchall()[0][0],
        groups=_groups(snapshot, as_of, np.asarray(rows["person"]))
        | {
            f"{name}_true": np.array(
                [_word(words, (said and said[i]) or UNKNOWN) for said, _ in lists], object
            )
            for i, name in enumerate(told.characteristics)
            for words in [code_words(declared.values(), name)]
        },
    )


def _word(words: Mapping[str, str], told: str | None) -> str:
    return words.get(told, told) if told else UNKNOWN


def code_words(sources: Iterable[Source], characteristic: str) -> dict[str, str]:
    """Code → word of a characteristic, as the sources declare it; without what two of them word differently.
    A truth that has the agencies' codes is told of in their words."""
    found: dict[str, set[str]] = {}
    for extract in (extract for source in sources for extract in source.extracts.values()):
        for subject in extract.subjects:
            column = subject.characteristics.get(characteristic)
            for code, word in ((extract.columns[column].codes or {}) if column else {}).items():
                found.setdefault(code, set()).add(word)
    return {code: words.pop() for code, words in found.items() if len(words) == 1}


def _make_beside(con: duckdb.DuckDBPyConnection, already: Collection[str]) -> None:
    """Make temporary table beside: a row a subject, with its codes; ids are folded to be compared."""
    every = " UNION ".join(
        f"SELECT source, subject_key FROM {table} WHERE subject_key IS NOT NULL" for table in SUBJECT_TABLES
    )
    codes = ", ".join(
        f"if(folded({name}) IS NULL, -1, dense_rank() OVER (ORDER BY folded({name}))) AS {name}"
        for name in IDENTIFIERS
    )
    name = "surname <> '' AND coalesce(forenames, initials, '') <> ''"
    no_whole_name, alone, nothing, person = (f"'{why}'" for why in WHY_NOT)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE beside AS
        SELECT row_number() OVER (ORDER BY source, subject_key) - 1 AS subject, source, subject_key,
               dense_rank() OVER (ORDER BY coalesce(person_id, source || '|' || subject_key)) - 1 AS cluster,
               coalesce(t.person, -1) AS person,
               {codes},
               CASE WHEN {sql_one_of("source", already)} THEN {person}
                    WHEN coalesce({", ".join(IDENTIFIERS)}) IS NOT NULL THEN '{LINKABLE}'
                    WHEN {name} AND coalesce(born, uprn, postcode) IS NOT NULL THEN '{LINKABLE}'
                    WHEN {name} THEN {alone}
                    WHEN coalesce(forenames, surname, initials, born, uprn, postcode, district) IS NOT NULL
                        THEN {no_whole_name}
                    ELSE {nothing} END AS state
        FROM ({every})
        LEFT JOIN stated USING (source, subject_key)
        LEFT JOIN truth t USING (source, subject_key)
        LEFT JOIN (FROM links WHERE known_until IS NULL) l USING (source, subject_key)
        """
    )


def _groups(snapshot: Snapshot, as_of: date, person: np.ndarray) -> dict[str, np.ndarray]:
    """Characteristic → (n,) the group of who each subject truly is, as the agencies tell it."""
    who = "SELECT source, subject_key, person::VARCHAR AS person_id FROM truth"
    told = characteristics(snapshot, as_of, snapshot.con.sql(who).to_arrow_table())
    return {
        name: np.array([group_of.get(str(one), UNKNOWN) for one in person.tolist()], dtype=object)
        for name, group_of in sorted(told.items())
    }
