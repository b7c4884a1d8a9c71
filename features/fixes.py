"""What to do about rows that were set aside, by the reason for which they were."""

from __future__ import annotations

FIXES = (
    (
        ("is not a code",),
        "Ask what the new codes mean, and add them to the `codes` of {column} in the declaration.",
    ),
    (
        ("is not a date", "is not a time", "is not a whole", "is not a number", "is neither yes"),
        "Ask for {column} as it is declared; if the system has changed, change the declaration with it.",
    ),
    (
        ("is empty", "the record key is", "the key of the"),
        "Ask for {column} to be filled in: without it a row cannot be used.",
    ),
    (
        ("does not match its pattern",),
        "Ask whether {column} is written in another way now; if it is, change its `pattern`.",
    ),
    (
        ("is below", "is above", "is not a fifth"),
        "Ask for {column} to be corrected; if such values can be right, widen its `min` or `max`.",
    ),
    (
        ("is before",),
        "Ask for {column} to be corrected; if so early a day can be right, set `not_before`.",
    ),
    (
        ("later than the day",),
        "Ask how {column} can lie after the day on which the file was sent.",
    ),
    (
        ("ends before it begins",),
        "Ask for the dates to be corrected: {column} lies before the start.",
    ),
    (
        ("the same record key",),
        "Ask which of the rows holds; if all do, `record_key` needs another column.",
    ),
    (
        ("nobody to attach",),
        "Ask for the missing keys; if such rows name nobody by design, ignore them by a rule.",
    ),
    (
        ("no rule makes",),
        "Ask what these rows are, and add an event rule or an `ignore` rule to the declaration.",
    ),
    (
        ("the row has",),
        "Ask for cells that hold the delimiter or a line break to be put in quotation marks.",
    ),
)
"""The beginnings of the reasons that `features.transform` and `features.read_extract` give → what to do."""

OTHERWISE = "Ask for these rows to be corrected; the table `quarantine` has their numbers in the file."


def fix_of(column: str | None, reason: str) -> str:
    """What to do about rows set aside for a reason.

    >>> fix_of("stage", "is not a code that the declaration knows")
    'Ask what the new codes mean, and add them to the `codes` of stage in the declaration.'
    """
    for beginnings, fix in FIXES:
        if reason.startswith(beginnings):
            return fix.format(column=column or "the column")
    return OTHERWISE
