"""What a source tells of who belongs to whom: the links between two people that it may know of.

Systems tell them in two ways. A row may name two people (a claim its claimant and partner), and then says
what the one is to the other; or a row names a family, and all whom rows of that family name belong to it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

MUTUAL = ("sibling", "partner", "family")
"""Relations that are the same both ways; `family` says no more than that they belong to one."""


class RelationRule(BaseModel):
    """A link between two people, from when to when (the end day not included).

    of, to:   two subjects of the row: `to` is the `relation` of `of`.
    family:   a column instead of `to`: everybody whom the source's rows put under one value belongs
              to one family, while both of them do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: str
    to: str | None = None
    relation: Literal["parent", "sibling", "partner"] | None = None
    family: str | None = None
    start: str | None = None
    end: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> RelationRule:
        to_somebody, to_family = self.to and self.relation, self.family
        if bool(to_somebody) == bool(to_family) or (to_family and (self.to or self.relation)):
            raise ValueError("a relation has either `to` and `relation`, or `family`, the family's column")
        return self
