"""The evidence annex of a data protection impact assessment: what the run and the declarations can say.

The assessment itself is for people: what is processed and why, whether it is necessary and in proportion,
which risks it is to people, and what is done about each. The annex gives the figures, and asks the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from features.wording import counted
from models.fairness import NOT_ESTIMABLE, TOO_FEW
from models.human import ANNEX
from models.model_card import gates, limits, sensitive
from models.paper import NOT_MEASURED, Field, Paper, Section, Table
from models.paper_figures import (
    ROW,
    cohort,
    few_found,
    outcome_parts,
    people,
    performance,
    recall_said,
    said_day,
    share,
    sources,
)
from models.paper_groups import groups, plain
from models.paper_worth import worth
from models.told import Told

RIGHTS = (
    "Per person there is a printable explanation with every event that counted; a correction by an agency "
    "changes the next list; an objection on a register that a source delivers leaves a person out of "
    "fitting, judging and scoring. How people are told of this, and whom they turn to, is for a person to "
    "write."
)


def impact_annex(told: Told) -> Paper:
    """The annex, from the run, the declarations and what people wrote."""
    return told.paper(
        ANNEX,
        "Data protection impact assessment: evidence annex",
        about="What the tool itself can say for an impact assessment. It is not the assessment.",
        sections=(
            Section("What is processed, and why", tuple(_processing(told))),
            Section("Sources", tuple(_sources(told))),
            Section("Necessity and proportionality", tuple(_necessity(told))),
            Section("Who was asked", tuple(told.asked(n) for n in ("consulted", "officer_advice"))),
            Section("Risks to people", tuple(_risks(told))),
            groups(told),
            Section("Rights", tuple(_rights(told))),
            Section(
                "Before it is used",
                (gates(told), *(told.asked(n) for n in ("assessments", "stopping", "review"))),
            ),
        ),
    )


def _processing(told: Told) -> Iterator[Field]:
    yield told.asked("purpose")
    yield told.asked("owner")
    each = counted(told.capacity, "person", "people")
    yield Field(
        "What is done",
        (
            "Agencies’ extracts become dated events; records are linked to people and homes; figures "
            f"about each person are scored by {told.title}, and the first {each} of the week are listed "
            "with reasons. A person decides about each of them.",
        ),
    )
    yield outcome_parts(told)
    yield cohort(told)
    yield told.asked("decision")
    yield told.asked("access")
    yield told.asked("retention")


def _sources(told: Told) -> Iterator[Field]:
    rows, gone = [], "declared no more"
    for name, title, read in sources(told):
        declared = told.declared.get(name)
        agreement = declared.agreement if declared else None
        review = (
            said_day(str(agreement.review_by)) if agreement and agreement.review_by else "no day declared"
        )
        rows.append(
            (
                title,
                "; ".join(read),
                declared.legal_gateway if declared else gone,
                f"{agreement.reference or 'none declared'}; review by {review}" if agreement else gone,
                people(told.rows[name]) if name in told.rows else NOT_MEASURED,
            )
        )
    yield Field(
        "What is read, by which gateway, under which agreement",
        (
            "Gateways and agreements stand as the workspace’s declarations have them; nobody has checked "
            "them here.",
        ),
        Table(
            ("Source", "What is read", "Gateway declared", "Agreement", "Rows in use"),
            tuple(rows),
            figures=False,
        ),
    )
    yield Field(
        "Identifying data", (), Table(("Source", "What tells who somebody is"), tuple(_identity(told)), False)
    )
    yield sensitive(told)


def _identity(told: Told) -> Iterator[tuple[str, str]]:
    for name, title, _ in sources(told):
        declared, kinds = told.declared.get(name), set()
        for extract in declared.extracts.values() if declared else ():
            for subject in extract.subjects:
                if subject.identity:
                    kinds |= {plain(k) for k, column in subject.identity.model_dump().items() if column}
                if subject.address:
                    kinds.add("address")
        yield title, ", ".join(sorted(kinds)) or "the agency’s own key alone"


def _necessity(told: Told) -> Iterator[Field]:
    yield told.asked("lawful_basis")
    yield told.asked("special_category")
    yield told.asked("criminal_offence")
    yield told.asked("necessity")
    yield told.asked("benefit")
    yield told.asked("alternatives")
    yield Field("Does it do better than simpler ways?", (recall_said(told),), performance(told))
    yield worth(told)
    association = told.catalogue.association
    others = (
        "What happens to those a person lives with counts for "
        f"{counted(association.within_days, 'day', 'days')}, and the reason says so."
        if association
        else "What happens to others counts for them alone; what belongs to a home reaches who lives there."
    )
    yield Field(
        "What is left out on purpose",
        (
            "Protected characteristics are kept in a table of their own that no figure can be made of. "
            "How deprived a place is describes places, and is used of nobody. It looks back "
            f"{counted(told.catalogue.longest, 'day', 'days')} and no further, so that nobody carries a "
            f"mark for life. {others}",
        ),
    )


def _risks(told: Told) -> Iterator[Field]:
    precision, recall = told.test.get("precision"), told.test.get("recall")
    wrong = f"{share(1 - precision)} of places on the lists" if precision is not None else NOT_ESTIMABLE
    missed = (
        f"{share(1 - recall)} of rows, {ROW} each, that it followed" if recall is not None else NOT_ESTIMABLE
    )
    if few_found(told, told.kind):
        wrong = missed = TOO_FEW
    audit = told.card.get("audit")
    behind = "see “Whom it misses”" if audit else NOT_MEASURED
    rows = (
        (
            "Somebody is listed who needs nothing",
            wrong,
            "An offer only; a person looks first; reasons with their events",
        ),
        ("Somebody in need is not listed", missed, "Never takes a service away; other ways in stay open"),
        (
            "A group is missed more than others",
            behind,
            "A gate per group before approval; watched with every list",
        ),
        (
            "Records of two people are taken for one",
            "see the link report",
            "Weak links give no reasons; people check pairs",
        ),
        (
            "A person is told by what others did",
            "off unless the specification says so",
            "Capped in time, said in the reason",
        ),
        (
            "An address that must stay secret is shown",
            "not measured",
            "Secrecy marks; such homes are told of no one",
        ),
        (
            "Old or missing feeds mislead",
            "said on each list",
            "A stale feed stops the list, or is named on it",
        ),
        (
            "The list is followed blindly",
            NOT_MEASURED,
            "Evidence before score; chances in words; a decision with its reason",
        ),
        (
            "Whoever is listed is met more, and so scores higher",
            NOT_MEASURED,
            "Watched by group: what is recorded beside contact",
        ),
    )
    yield Field(
        "What could go wrong, as far as it is known",
        ("What is measured is measured on past dates; a person judges how grave each is here.",),
        Table(("Risk", "As measured", "What the tool does about it"), rows, figures=False),
    )
    yield told.asked("risks")
    yield told.asked("residual_risk")
    yield next(iter(limits(told)))


def _rights(told: Told) -> Iterator[Field]:
    yield Field("What the tool gives", (RIGHTS,))
    yield told.asked("challenge_output")
    yield told.asked("challenge_decision")
