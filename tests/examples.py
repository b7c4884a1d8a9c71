"""How many examples a property test looks at: few by day, many by night."""

from hypothesis import settings


def by_day(few: int) -> settings:
    """So many examples in `make test`; ten times as many in `make nightly`, whose profile searches."""
    return settings(max_examples=few if settings.default.derandomize else 10 * few, deadline=None)
