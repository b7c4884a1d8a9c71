"""How good the rows are that each agency sends, over its deliveries, and what should be asked of whom.

One report a source, fit to go to the agency that sent the rows: counts, small ones too, and nothing of
anybody. What is found of a delivery is found by `features.contracts`, as before it was taken in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from features.asof import OPEN, day_number, is_known, sql_before, sql_known
from features.contracts import contract_findings
from features.declaration import Extract, Source
from features.deliveries import last_received, read_ledger
from features.errors import UserMistake
from features.facts import Facts, pooled_delays, quantile, read_facts, told, usual, usual_rows
from features.link import NOBODY_SQL
from features.share import Share, together
from features.snapshot import Snapshot, open_snapshot
from features.tables import Tables
from features.workspace import Workspace
from monitoring.quality_page import write_pages
from monitoring.quality_report import Aside, Completeness, Delay, ExtractQuality, QualityReport, SourceQuality


def quality(workspace: Workspace, as_of: date | None = None) -> QualityReport:
    """Write `reports/<as_of>/quality/`: an index, and a page and a JSON document a source.

    as_of: by default the first morning on which everything taken in counts.
    Raises UserMistake where nothing that was taken in counts on that morning.
    """
    ledger = read_ledger(Tables(workspace.data))
    if as_of is None and ledger:
        as_of = max(d.received_on for d in ledger) + timedelta(days=1)
    counted = [d for d in ledger if as_of and _counts(d.received_on, as_of)]
    if as_of is None or not counted:
        raise UserMistake(
            f"Nothing has been taken in{f' that counts on {as_of}' if as_of else ''}.",
            problems=["load extracts with `earlyhelp ingest PATH`, or name a later date with --as-of"],
        )
    snapshot = open_snapshot(workspace, last_delivery=max(d.delivery_id for d in counted))
    for table in ("profiles", "quarantine"):
        snapshot.tables.view(snapshot.con, table)
    facts = read_facts(snapshot.con, counted)
    held = _held(snapshot, as_of)
    report = QualityReport(
        as_of=as_of,
        council=workspace.settings.council,
        sources=tuple(
            _source(workspace, source, as_of, facts, held.get(name, Counter()))
            for name, source in sorted(workspace.sources.items())
        ),
        folder=workspace.report_folder(as_of) / "quality",
    )
    write_pages(report)
    return report


def _source(
    workspace: Workspace, source: Source, as_of: date, facts: Sequence[Facts], held: Counter[str]
) -> SourceQuality:
    mine = [f for f in facts if f.delivery.source == source.source]
    ledger = [f.delivery for f in mine]
    each = [last_received(ledger, source.source, name) for name in source.extracts]
    due = min((source.schedule.next_after(day) for day in each if day), default=None)
    on = f" on {'day ' if source.schedule.every == 'month' else ''}{str(source.schedule.on).capitalize()}"
    return SourceQuality(
        as_of=as_of,
        council=workspace.settings.council,
        source=source.source,
        title=source.title,
        owner=source.owner,
        agreement=source.agreement.reference,
        review_by=source.agreement.review_by,
        covers_from=source.covers_from,
        schedule=f"every {source.schedule.every}{on if source.schedule.on is not None else ''}",
        typical_delay_days=source.typical_delay_days,
        last_received=last_received(ledger, source.source),
        next_due=due,
        overdue=due is not None and _counts(due, as_of),
        extracts=tuple(
            _extract(source, name, [f for f in mine if f.delivery.extract == name])
            for name in source.extracts
        ),
        by_place=held["by_place"],
        unidentified=held["unidentified"],
        placed=held["placed"],
        unmatched=held["unmatched"],
        marks={mark.removeprefix("mark "): n for mark, n in sorted(held.items()) if mark.startswith("mark ")},
    )


def _extract(source: Source, name: str, facts: Sequence[Facts]) -> ExtractQuality:
    """facts: of the extract's deliveries; the newest live one is held against those before it."""
    live = [i for i, f in enumerate(facts) if not f.delivery.history]
    at = live[-1] if live else len(facts) - 1
    if not facts:
        return ExtractQuality(name, (), None, (), (), (), (), ())
    newest, earlier = facts[at], facts[:at]
    before = usual(earlier)

    pooled = pooled_delays([*usual(earlier[1:]), newest]) if earlier else {}
    return ExtractQuality(
        extract=name,
        deliveries=tuple(_delivery(f) for f in facts),
        median_rows=usual_rows(before),
        quarantined=_aside(facts, newest, before, lambda f: f.quarantined),
        ignored=_aside(
            facts, newest, before, lambda f: {(None, r): n for r, n in f.delivery.ignored_by_rule.items()}
        ),
        columns=tuple(_columns(source.extracts[name], newest, before)),
        delays=tuple(
            Delay(signal, sum(days.values()), quantile(days, 0.5), quantile(days, 0.9))
            for signal, days in sorted(pooled.items())
        ),
        findings=tuple(contract_findings(source, name, newest, earlier)),
    )


def _aside(
    facts: Sequence[Facts],
    newest: Facts,
    before: Sequence[Facts],
    rows_of: Callable[[Facts], Mapping[tuple[str | None, str], int]],
) -> tuple[Aside, ...]:
    """A line for whatever rows of any delivery were left aside for; rows_of: (column, why) → rows."""
    every = sorted({why for f in facts for why in rows_of(f)}, key=str)
    return tuple(
        Aside(
            column=why[0],
            why=why[1],
            newest=rows_of(newest).get(why, 0),
            usual=together(Share(rows_of(f).get(why, 0), f.delivery.rows) for f in before),
            ever=sum(rows_of(f).get(why, 0) for f in facts),
        )
        for why in every
    )


def _delivery(facts: Facts) -> dict[str, Any]:
    """A delivery's line: the ledger's counts, and whether they add up."""
    d = facts.delivery
    counts = ("rows", "used", "quarantined", "ignored", "events", "withdrawn")
    said = {name: getattr(d, name) for name in ("received_on", "file", "history", *counts)}
    seen = {name: getattr(facts.profile, name, None) for name in ("repeated", "by_place", "unidentified")}
    return said | {"adds_up": facts.adds_up} | seen


def _columns(extract: Extract, newest: Facts, before: Sequence[Facts]) -> Iterator[Completeness]:
    """Identity columns always; of the others those that may be empty. Identity first, then tags."""
    identity = {c for s in extract.subjects if s.identity for c in s.identity.columns().values()}
    kinds = {
        name: "identity" if name in identity else "tag" if column.type == "code" else "other"
        for name, column in extract.columns.items()
        if name in identity or not column.required
    }
    for name in sorted(kinds, key=lambda name: ("identity", "tag", "other").index(kinds[name])):
        shares = [told(f, name) for f in (*before, newest)]
        yield Completeness(
            column=name,
            kind=kinds[name],
            expected=extract.columns[name].filled,
            newest=shares[-1],
            usual=together(shares[:-1]),
            trend=tuple(share.rate for share in shares),
        )


def _held(snapshot: Snapshot, as_of: date) -> dict[str, Counter[str]]:
    """Source → counts of what is held on a morning: 'by_place' records, 'unidentified' subjects and of them
    those 'placed', 'mark …' subjects, and 'unmatched', those who object and are one with nobody else."""
    nobodies = " UNION ".join(
        f"SELECT source, subject_key FROM {table} WHERE {NOBODY_SQL} AND {sql_known(as_of)}"
        for table in ("events", "identities", "addresses", "registers")
    )
    found = snapshot.con.execute(
        f"""
        SELECT source, 'by_place', count(DISTINCT record_key) FROM events
        WHERE subject_key IS NULL AND {sql_known(as_of)} GROUP BY source
        UNION ALL
        SELECT source, 'unidentified', count(*) FROM ({nobodies}) GROUP BY source
        UNION ALL
        SELECT source, 'placed', count(*) FROM ({nobodies})
            SEMI JOIN (FROM links WHERE {sql_known(as_of)}) USING (source, subject_key) GROUP BY source
        UNION ALL
        SELECT source, 'unmatched', count(DISTINCT subject_key) FROM marks
        WHERE mark = 'objection' AND {sql_known(as_of)} AND NOT {sql_before(as_of, "end_on")}
            AND (source, subject_key) NOT IN (
                SELECT (source, subject_key) FROM links WHERE {sql_known(as_of)} AND person_id IN (
                    SELECT person_id FROM links WHERE {sql_known(as_of)} GROUP BY ALL HAVING count(*) > 1))
        GROUP BY source
        UNION ALL
        SELECT source, 'mark ' || mark, count(DISTINCT subject_key) FROM marks
        WHERE {sql_known(as_of)} AND NOT {sql_before(as_of, "end_on")}
            AND (start_on IS NULL OR {sql_before(as_of, "start_on")}) GROUP BY ALL
        """
    ).fetchall()
    held: dict[str, Counter[str]] = {}
    for source, what, count in found:
        held.setdefault(source, Counter())[what] = count
    return held


def _counts(day: date, as_of: date) -> bool:
    """Whether what came on a day counts on a morning."""
    return is_known(day_number(day), OPEN, day_number(as_of))
