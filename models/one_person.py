"""Who is one person over the lists of several dates: rows of whoever turned out to be one belong together.

Ids are those of the morning a list was made. Between two dates somebody may have been joined to another
id; `same_as` says so of one date, and what hangs together over all dates by id or by `same_as` is a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from features.graphs import components

if TYPE_CHECKING:
    from models.judge import Scored


def people_of(dates: Sequence[Scored]) -> list[np.ndarray]:
    """For each date (n,) whole numbers, 0 up without gaps: equal where it is one person, on any date."""
    ids = pa.chunked_array([pa.array(scored.person_ids, pa.string()) for scored in dates], pa.string())
    names = ids.combine_chunks().dictionary_encode()
    many = len(names.dictionary)
    found, joined = [], []
    for scored in dates:
        one, which = np.unique(scored.same_as, return_inverse=True)
        joined.append(which + many)
        found.append(len(one))
        many += len(one)
    of = names.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    first = components(many, of, np.concatenate([np.empty(0, np.int64), *joined]))
    person = np.unique(first[of], return_inverse=True)[1]
    return np.split(person, np.cumsum([len(scored.person_ids) for scored in dates])[:-1]) if found else []
