"""A draft record of the Algorithmic Transparency Recording Standard, tiers 1 and 2, field by field.

The fields and their numbers are those of the published records that use sections 1 to 5. Newer forms number
them otherwise: whoever publishes it compares it with the form of that day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from features.declaration import Source
from features.wording import counted
from models.fairness import NOT_ESTIMABLE
from models.human import RECORD
from models.model_card import gates, sensitive
from models.paper import NOT_MEASURED, Field, Paper, Section, Table
from models.paper_figures import (
    ROW,
    between,
    compared,
    days_said,
    is_baseline,
    lead_time,
    outcome_parts,
    people,
    performance,
    recall_said,
    rows_said,
    said_day,
    sources,
)
from models.paper_groups import groups, plain
from models.told import Told

DESCRIPTION = (
    "Early Help puts together what agencies already hold, and finds people whose pattern is starting to "
    "escalate while help is still small. Each week it hands an early-help team a short list that says why "
    "each person is on it, in plain English, with the evidence behind every reason. It finds people to "
    "offer help to. It decides nothing about anybody: nothing follows without a decision that a person "
    "takes and records, and not being on the list never takes a service away."
)


def transparency_record(told: Told) -> Paper:
    """The draft, from the run, the declarations and what people wrote."""
    return told.paper(
        RECORD,
        "Algorithmic transparency record",
        about="A draft in the fields of the Algorithmic Transparency Recording Standard, tiers 1 and 2. "
        "Compare it with the form in use before it is published.",
        sections=(
            Section("Metadata", tuple(_metadata(told))),
            Section("Tier 1", tuple(_tier_1(told))),
            Section("Tier 2: 1 Owner & responsibility", tuple(_owner(told))),
            Section("Tier 2: 2 Description & rationale", tuple(_rationale(told))),
            Section("Tier 2: 3 Decision-making process", tuple(_process(told))),
            Section("Tier 2: 4 Tool specification", tuple(_tool(told))),
            *_datasets(told),
            Section("Tier 2: 5 Risks, mitigations & impact assessments", tuple(_risks(told))),
        ),
    )


def _metadata(told: Told) -> Iterator[Field]:
    yield Field("Organisation", (told.council,))
    yield Field("Organisation type", ("Local authority",))
    yield Field("Function", ("Early help for families and vulnerable adults",))
    yield Field("Capability", ("Risk prediction from administrative records; a ranked list with reasons",))
    yield Field("Task", (f"Find people to offer early help to, before: {told.specification.title}",))
    yield told.asked("phase", "Phase")
    yield told.asked("region", "Region")
    yield told.asked("published", "Date published or updated")
    yield Field("Version", (f"{told.specification.name}, model {told.sha256[:12]}",))


def _tier_1(told: Told) -> Iterator[Field]:
    yield Field("1 Name", (f"Early Help: {told.specification.title}",))
    yield Field("2 Description", (DESCRIPTION,))
    yield told.asked("website", "3 Website URL")
    yield told.asked("contact", "4 Contact email")


def _owner(told: Told) -> Iterator[Field]:
    yield Field("1.1 Organisation", (told.council,))
    yield told.asked("team", "1.2 Team")
    yield told.asked("owner", "1.3 Senior responsible owner")
    yield told.asked("supplier", "1.4 External supplier involvement; 1.4.1 supplier")
    yield told.asked("supplier_number", "1.4.2 Companies House number")
    yield told.asked("supplier_role", "1.4.3 role")
    yield told.asked("procurement", "1.4.4 procurement procedure type")
    yield told.asked("supplier_access", "1.4.5 data access terms")


def _rationale(told: Told) -> Iterator[Field]:
    yield Field(
        "2.1 Detailed description",
        (
            f"{told.title[:1].upper()}{told.title[1:]} over "
            f"{counted(len(told.catalogue.names), 'figure', 'figures')} about each person, such as how "
            "many events of a kind there were in the last months and how long ago the last one was, from "
            f"{counted(len(told.catalogue.facts), 'source', 'sources')}. Only what had reached the council "
            "by the morning of the list counts. The score is turned into a chance on later dates; the "
            f"{counted(told.capacity, 'person', 'people')} with the highest are the list. Reasons are "
            "exact: what they add up to is the score.",
        ),
        outcome_parts(told).table,
    )
    yield told.asked("purpose", "2.2 Scope")
    yield told.asked("benefit", "2.3 Benefit")
    yield told.asked("before", "2.4 Previous process")
    yield told.asked("alternatives", "2.5 Alternatives considered")
    table = compared(told)
    yield Field(
        "2.5 Alternatives considered: simpler ways to sort",
        ("Each was judged beside the model, on the same people and dates.",) if table else (NOT_MEASURED,),
        table,
    )


def _process(told: Told) -> Iterator[Field]:
    yield told.asked("process", "3.1 Process integration")
    yield Field(
        "3.2 Provided information",
        (
            "For each person listed: reasons in plain English with dates and counts, every event behind "
            "them, what went well, which agencies they are known to, what is not held about them, and how "
            "sure it is whose records they are. A chance is told in words. Protected characteristics are "
            "not shown.",
        ),
    )
    each = counted(told.capacity, "person", "people")
    asked = _asked_about(told)
    yield Field(
        "3.3 Frequency & scale of usage",
        (f"Weekly: a list of {each}, out of {asked} asked about on the newest morning judged.",),
    )
    yield told.asked("decision", "3.4 Human decisions & review")
    yield told.asked("stopping", "3.4 Human decisions & review: who watches the tool")
    yield told.asked("training", "3.5 Required training")
    yield told.asked("challenge_output", "3.6 Appeals & review: of what the tool says")
    yield told.asked("challenge_decision", "3.6 Appeals & review: of what was decided")


def _asked_about(told: Told) -> str:
    flows = list((told.card.get("flow") or {}).values())
    if not flows or not flows[-1]:
        return f"a number of people {NOT_MEASURED}"
    return f"{people(flows[-1][-1]['left'])} people"


def _tool(told: Told) -> Iterator[Field]:
    kind = (
        "A simple rule, fitted to training dates" if is_baseline(told) else "A model fitted to training dates"
    )
    yield Field(
        "4.1 architecture",
        (
            "On the council’s own machine, in batch, once a week: extracts become dated events, events "
            "become figures about each person, one model per outcome puts people in an order, and the first "
            "of them are the list.",
        ),
    )
    yield told.asked("phase", "4.1 phase")
    yield Field(
        "4.1 maintenance",
        (
            "Retrained on one command; a new model is used only after two named people in different roles "
            "approve it. Drift, realised precision and fairness are watched with every list, and a stale "
            "feed stops the list.",
        ),
    )
    yield told.asked("review", "4.1 maintenance: when it is looked at again")
    yield Field("4.1 models", (f"One: {told.title}.",))
    yield Field("4.2 name", (told.title,))
    yield Field("4.2 version", (told.sha256,))
    yield Field("4.2 task", (f"The chance, per person and morning, of: {told.specification.title}",))
    yield Field(
        "4.2 input",
        (f"{len(told.catalogue.names)} figures per person, listed in the model’s own catalogue.",),
    )
    yield Field(
        "4.2 output", ("A chance between 0 and 1, a place in the order, and what each figure adds to it.",)
    )
    yield Field("4.2 architecture", (f"{kind}: {told.title}; its score calibrated with a logistic line.",))
    dates = told.card.get("dates") or {}
    base = between(told.test.get("base_rate"), None, of=[told.test.get("positives")])
    yield Field(
        "4.2 performance",
        (
            f"Judged {days_said(dates.get('test') or [])}. Share of all rows judged that the outcome "
            f"followed: {base}.",
            recall_said(told),
        ),
        performance(told),
    )
    yield replace(lead_time(told), label="4.2 performance: how early")
    yield replace(gates(told), label="4.2 performance: what it must meet")
    yield Field(
        "4.2 datasets",
        (f"The same sources for fitting, calibrating, judging and use: {_titles(told)}.",),
    )
    yield Field(
        "4.2 dataset purposes",
        (),
        Table(
            ("Purpose", f"Rows, {ROW} each"),
            (
                ("Fitting", rows_said(told, "fitted_on")),
                ("Calibrating", rows_said(told, "calibrated_on")),
                ("Judging", f"{days_said(dates.get('test') or [])}"),
            ),
            figures=False,
        ),
    )


def _titles(told: Told) -> str:
    return ", ".join(title for _, title, _ in sources(told)) or NOT_ESTIMABLE


def _datasets(told: Told) -> Iterator[Section]:
    """4.3, a section for each source."""
    for number, (source, title, read) in enumerate(sources(told), start=1):
        yield Section(f"Tier 2: 4.3 dataset {number}, {title}", tuple(_dataset(told, source, title, read)))
    yield Section(
        "Tier 2: 4.3 all datasets",
        (
            replace(sensitive(told), label="4.3 sensitive attributes: signals close to one"),
            told.asked("access", "4.3 access & storage"),
            told.asked("retention", "4.3 access & storage: how long it is kept"),
        ),
    )


def _dataset(told: Told, source: str, title: str, read: list[str]) -> Iterator[Field]:
    fact = next(f for f in told.catalogue.facts if f.source == source)
    declared = told.declared.get(source)
    rows = told.rows.get(source)
    register = (
        "holds a row for everyone it covers" if fact.register else "holds a row only where something happened"
    )
    close = (told.card.get("sensitive") or {}).get("used") or {}
    near = [f"{n}, close to {e['close_to']}" for n, e in close.items() if n.startswith(f"{source}.")]
    gone = "The workspace declares this source no more."
    delay = f"It typically reaches us {declared.typical_delay_days} days later." if declared else gone
    yield Field("4.3 name", (title,))
    yield Field("4.3 modality", ("Tabular",))
    yield Field("4.3 description", (f"Read of it: {'; '.join(read)}.",))
    yield Field("4.3 quantities", (f"{people(rows)} rows in use" if rows else NOT_MEASURED,))
    yield Field(
        "4.3 sensitive attributes",
        (
            _kept_apart(declared) if declared else gone,
            f"Signals used: {'; '.join(near)}." if near else "No signal close to one is used.",
        ),
    )
    covers = f"Covers all since {said_day(str(fact.covers_from))}, and {register}. {delay}"
    yield Field("4.3 completeness & representativeness", (covers,))
    yield Field("4.3 source URL", ("None: the agency’s own system, not published.",))
    yield Field("4.3 collection", (f"Kept by: {declared.owner}." if declared else gone,))
    yield Field(
        "4.3 cleaning",
        ("Every row is used, quarantined with its reason, or ignored by a declared rule; none is lost.",),
    )
    yield Field("4.3 sharing agreements", (_agreement(told, source),))
    yield Field("4.3 access & storage", ("As for all of them: see behind the last dataset.",))


def _kept_apart(source: Source) -> str:
    """Which protected characteristics are read of a source."""
    subjects = [subject for extract in source.extracts.values() for subject in extract.subjects]
    names = sorted({plain(name) for subject in subjects for name in subject.characteristics})
    if not names:
        return "No protected characteristic is read of it."
    return f"Read of it and kept apart, for the audit alone: {', '.join(names)}."


def _agreement(told: Told, source: str) -> str:
    declared = told.declared.get(source)
    if declared is None:
        return "The workspace declares this source no more."
    agreement = declared.agreement
    review = f", to be reviewed by {said_day(str(agreement.review_by))}" if agreement.review_by else ""
    named = agreement.reference or "No agreement is declared"
    return f"{named}{review}. Gateway, as declared: {declared.legal_gateway}."


def _risks(told: Told) -> Iterator[Field]:
    yield told.asked("assessments", "5.1 Impact assessments")
    yield told.asked("risks", "5.2 Risks & mitigations")
    yield told.asked("limits", "5.2 Risks & mitigations: what it does not see")
    section = groups(told)
    yield from (f for f in section.fields if f.name != "equality")
