"""What the service is asked, and what it answers: the words of its requests, apart from what serves them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from features.people import PERSON_ID
from models.reasons import Explanation

MOST_PEOPLE = 200

PersonId = Annotated[str, StringConstraints(pattern=f"^{PERSON_ID}$")]


class Ask(BaseModel):
    """Whom to score, and on which morning: by default, that of the newest list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    people: list[PersonId] = Field(min_length=1, max_length=MOST_PEOPLE, description="person ids")
    as_of: date | None = None


class Said(BaseModel):
    """A reason or a strength, its weight in log-odds and the events behind it."""

    model_config = ConfigDict(from_attributes=True)

    sentence: str
    theme: str
    sources: list[str]
    weight: float
    latest_on: date
    event_ids: list[str]


class Scored(BaseModel):
    """A person's chance and what it is made of. eligible: whether the list may hold this person; joined:
    from which records they were joined, and link_strength how sure that is of the least sure of them;
    doubted_share: the part of other_share that rests on what is only probably theirs."""

    person_id: str
    eligible: bool
    log_odds: float
    chance: float
    chance_words: str
    reasons: list[Said]
    strengths: list[Said]
    other_share: float
    not_held: list[str]
    link_strength: float | None
    joined: str
    doubted_share: float

    @classmethod
    def of(cls, told: Explanation, *, eligible: bool) -> Scored:
        """What the list would say of a person, and whether it may."""
        shown = {name: getattr(told, name) for name in cls.model_fields if name != "eligible"}
        return cls(eligible=eligible, **shown)


class Refused(BaseModel):
    """Somebody of whom nothing is told, and why: they object to it, or their record is restricted."""

    person_id: str
    why: str


class Answer(BaseModel):
    """scores in the order asked for; silent: people with nothing recorded that the model looks at; refused:
    people of whom nothing is told."""

    as_of: date
    model: str
    approval: str
    horizon_days: int
    scores: list[Scored]
    silent: list[str]
    refused: list[Refused]
