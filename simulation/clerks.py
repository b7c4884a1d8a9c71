"""How each agency writes who somebody is, and whom each of its keys truly names.

The agencies' modules draft what is true. On the way into the files, the columns that a source's
declaration says hold a name, a birth date or an address are rewritten as that agency believes them to
be (`simulation.identity_errors`), from streams of random numbers of their own: rows, events and every
other column stay as they were drafted.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.declaration import IDENTIFIERS, Extract, Source, SubjectRule
from simulation.block import Block
from simulation.calendar import NONE, Index, Mask
from simulation.draw import Text, own_stream
from simulation.extracts import Draft, Values
from simulation.identity_errors import BIRTH_KINDS, ERRORS, Idea, idea_of

SAID = ("forenames", "surname", "birth", "address", "identifier")
"""What an agency may write of somebody, as truth says it of each subject."""
NAME_ERRORS = ("typo", "nickname", "spelled_otherwise", "former_surname", "names_swapped")


class Clerks:
    """Those who write one block's people into the files of each source."""

    def __init__(self, stream: np.random.SeedSequence, block: Block, sources: dict[str, Source]) -> None:
        self.stream, self.block, self.sources = stream, block, sources
        self._ideas: dict[str, Idea] = {}
        self._keys: dict[str, pa.Array] = {}
        self._said: dict[str, dict[str, Mask]] = {}
        self._rows: list[pa.Table] = []

    def write(self, draft: Draft) -> Draft:
        """The draft with everybody in it as its agency believes them to be."""
        extract, columns = self.sources[draft.source].extracts[draft.extract], dict(draft.columns)
        done: set[str] = set()
        for rule in extract.subjects:
            if not (rule.identity or rule.address) or not len(draft.keyed):
                continue
            who, idea = self._who(draft, rule), self._idea(draft.source)
            if rule.identity:
                self._identify(columns, rule.identity.columns(), who, idea)
                if rule.identity.postcode:
                    self._write_older(columns, rule.identity.postcode, who, idea)
            if rule.address and rule.address.postcode and rule.address.postcode not in done:
                done.add(rule.address.postcode)  # several people of one row have one address
                self._move_back(columns, extract, rule, who, idea)
        return replace(draft, columns=columns)

    def note(self, draft: Draft, drafted: Draft, rows: Index) -> None:
        """Remember whom the rows that were sent name, and what was written of them. drafted: as it was."""
        extract = self.sources[draft.source].extracts[draft.extract]
        for rule in extract.subjects:
            who = self._who(draft, rule)
            there = np.zeros(len(who), dtype=bool)
            there[rows] = who[rows] >= 0
            at = np.flatnonzero(there)
            said = {name: mask[at] for name, mask in _said(draft, drafted, rule).items()}
            if rule.unidentified:
                keys = draft.columns["_row"][at]
                self._rows.append(self._table(draft.source, keys, who[at], said))
                continue
            known = self._said.setdefault(draft.source, {})
            for name, mask in {"": np.ones(len(at), dtype=bool), **said}.items():
                of = known.setdefault(name, np.zeros(self.block.people.count, dtype=bool))
                of[who[at][mask]] = True

    def subjects(self) -> pa.Table:
        """The truth of every subject that was written: source, subject_key, person, what was planted."""
        tables = list(self._rows)
        for source, known in self._said.items():
            who = np.flatnonzero(known[""])
            keys = self.block.subject_key(source, who)
            tables.append(self._table(source, keys, who, {name: mask[who] for name, mask in known.items()}))
        return pa.concat_tables(tables)

    def _table(self, source: str, keys: Text, who: Index, said: dict[str, Mask]) -> pa.Table:
        idea, people, none = self._idea(source), self.block.people, np.zeros(len(who), dtype=bool)
        differs = said.get("forenames", none) & (idea.forename != people.forename)[who]
        differs |= said.get("surname", none) & (idea.surname != people.surname)[who]
        where = dict.fromkeys(NAME_ERRORS, differs)
        where |= dict.fromkeys(BIRTH_KINDS, said.get("birth", none))
        where |= {"birth_absent": said.get("birth asked", none), "stale_postcode": said.get("stale", none)}
        words = [pa.array(np.where(said.get(name, none), name, ""), pa.string()) for name in SAID]
        written = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*words, " "))
        return pa.table(
            {
                "source": pa.array([source] * len(who), pa.string()),
                "subject_key": pa.array(keys, pa.string()),
                "person": pa.array([f"T{n}" for n in (who + people.first_id).tolist()], pa.string()),
                "twin": pa.array(people.twin[who] >= 0),
                **{name: pa.array(idea.errors[name][who] & where[name]) for name in ERRORS},
                "written": pc.replace_substring_regex(written, " +", " "),
            }
        )

    # --- who ------------------------------------------------------------------------------------
    def _who(self, draft: Draft, rule: SubjectRule) -> Index:
        """The person of each row whom a subject rule is about; -1 = nobody."""
        if rule.unidentified:
            there = np.array([key is not None for key in draft.columns["_row"].tolist()], dtype=bool)
            return np.where(there, draft.columns["_who"], -1).astype(np.int64)
        if draft.source not in self._keys:
            everybody = np.arange(self.block.people.count)
            self._keys[draft.source] = pa.array(self.block.subject_key(draft.source, everybody), pa.string())
        (column,) = rule.key
        given = pa.array(draft.columns[column], pa.string(), from_pandas=True)
        found = pc.index_in(given, value_set=self._keys[draft.source])
        return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)

    def _idea(self, source: str) -> Idea:
        if source not in self._ideas:
            random = own_stream(self.stream, f"who is who, {source}")
            self._ideas[source] = idea_of(random, self.block.people, source, self.block.calendar.last)
        return self._ideas[source]

    # --- what is written ------------------------------------------------------------------------
    def _identify(self, columns: dict[str, Values], named: dict[str, str], who: Index, idea: Idea) -> None:
        people, known = self.block.people, who >= 0
        changed = (idea.forename != people.forename) | (idea.surname != people.surname)
        at = np.flatnonzero(known & changed[who])
        for field, names in (("forenames", idea.forename), ("surname", idea.surname)):
            if field in named:
                values = columns[named[field]].astype(object)
                values[at] = [
                    _in_the_style_of(old, new)
                    for old, new in zip(values[at].tolist(), names[who[at]].tolist(), strict=True)
                ]
                columns[named[field]] = values
        if "initials" in named:
            values = columns[named["initials"]].copy()
            pairs = zip(idea.forename[who[at]].tolist(), idea.surname[who[at]].tolist(), strict=True)
            values[at] = [(first[0] + last[0]).upper() for first, last in pairs]
            columns[named["initials"]] = values
        if "birth_date" in named:
            values = columns[named["birth_date"]]
            there = known & (values != NONE)
            columns[named["birth_date"]] = np.where(there, idea.birth[who], values).astype(np.int32)

    def _move_back(
        self, columns: dict[str, Values], extract: Extract, rule: SubjectRule, who: Index, idea: Idea
    ) -> None:
        """Write the address of before for those whose agency has not heard that they moved.

        An account's address is what the account is about, and stays. Elsewhere nobody looks up the UPRN
        of an old address: it is left empty; but a history of addresses with their ends has it from the
        gazetteer, and only its text is old.
        """
        address = rule.address
        if address is None or address.postcode is None:
            return
        places = {event.place for event in extract.events}
        places |= {other.register_.place for other in extract.subjects if other.register_}
        if address.uprn in places:
            return
        at = self._write_older(columns, address.postcode, who, idea)
        if address.end is None and not extract.columns[address.uprn].required:
            uprns = columns[address.uprn].astype(object)
            uprns[at] = None
            columns[address.uprn] = uprns

    def _write_older(self, columns: dict[str, Values], column: str, who: Index, idea: Idea) -> Index:
        """Write the postcode of before for those of whom an agency has not heard that they moved: which."""
        postcodes = columns[column].copy()
        at = np.flatnonzero((who >= 0) & idea.errors["stale_postcode"][who])
        keys, before = self._before
        wanted = who[at] * len(self._postcodes) + self._codes_of(postcodes[at])
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found = keys[place] == wanted
        at, old = at[found], self.block.postcode(before[place[found]])
        moved = old != postcodes[at]  # and not next door
        at, old = at[moved], old[moved]
        postcodes[at] = old
        columns[column] = postcodes
        return at

    @cached_property
    def _postcodes(self) -> pa.Array:
        """The block's different postcodes."""
        return pa.array(self.block.postcode(np.arange(len(self.block.homes.area))), pa.string()).unique()

    def _codes_of(self, postcodes: Text) -> Index:
        found = pc.index_in(pa.array(postcodes, pa.string(), from_pandas=True), value_set=self._postcodes)
        return pc.fill_null(found, -(2**31)).to_numpy(zero_copy_only=False).astype(np.int64)

    @cached_property
    def _before(self) -> tuple[Index, Index]:
        """Person and postcode as one sorted number, and the dwelling where they lived before it.

        Before their first home in the county a family lived somewhere that now is somebody else's.
        """
        people, homes = self.block.people, self.block.homes
        at, _, _, dwelling = self.block.homes_of(np.arange(people.count))
        somewhere = own_stream(self.stream, "before").integers(0, len(homes.area), people.units)
        first = np.r_[True, at[1:] != at[:-1]]
        before = np.where(first, somewhere[people.family[at]], np.roll(dwelling, 1))
        keys = at * len(self._postcodes) + self._codes_of(self.block.postcode(dwelling))
        order = np.argsort(keys, kind="stable")
        return keys[order], before[order]


def _in_the_style_of(old: str | None, new: str) -> str | None:
    """A name in capitals if the one it stands for is; None for none."""
    if old is None:
        return None
    return new.upper() if len(old) > 1 and old == old.upper() else new


def _said(draft: Draft, drafted: Draft, rule: SubjectRule) -> dict[str, Mask]:
    """Which rows say what of a rule's people."""
    named = rule.identity.columns() if rule.identity else {}
    said: dict[str, Mask] = {}

    def filled(column: str) -> Mask:
        values = draft.columns[column]
        if values.dtype == object:
            return np.array([value is not None for value in values.tolist()], dtype=bool)
        return values != NONE

    for field, column in named.items():
        if field in ("forenames", "surname"):
            said[field] = filled(column)
        elif field == "birth_date":
            said["birth"] = filled(column)
            said["birth asked"] = drafted.columns[column] != NONE
        elif field in IDENTIFIERS:
            said["identifier"] = said.get("identifier", filled(column)) | filled(column)
    if rule.address:
        said["address"] = filled(rule.address.uprn)
    hinted = rule.identity.postcode if rule.identity else None
    postcode = rule.address.postcode if rule.address else hinted
    if postcode:
        said["address"] = said.get("address", filled(postcode)) | filled(postcode)
        said["stale"] = draft.columns[postcode] != drafted.columns[postcode]
    return said
