"""What a delivery would do, as plain lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from features.check import Checked
from features.wording import counted


def check_text(checked: Sequence[Checked]) -> str:
    """File by file: whether it would be taken in, how its rows end, what it adds, what is against it."""
    refused = sum(bool(file.refused) for file in checked)
    verdict = (
        f"{refused} of {counted(len(checked), 'file', 'files')} would be refused."
        if refused
        else f"{counted(len(checked), 'file', 'files')} would be taken in."
    )
    return "\n".join([*(line for file in checked for line in _lines(file)), verdict, "Nothing was loaded."])


def _lines(file: Checked) -> Iterator[str]:
    yield f"{file.file} ({file.source}.{file.extract}, received {file.received})"
    if file.refused or file.report is None:
        yield from (
            f"  {'REFUSED ' if i == 0 else '        '}  {said}" for i, said in enumerate(file.refused)
        )
        yield ""
        return
    r = file.report
    if r.unchanged:
        yield "  was taken in before; it would add nothing"
    yield (
        f"  {counted(r.rows, 'row', 'rows')} = {r.used:,} used + {r.quarantined:,} quarantined "
        f"+ {r.ignored:,} ignored"
    )
    yield from (f"    {rows:,} quarantined: {reason}" for reason, rows in r.quarantined_by_reason.items())
    yield from (f"    {rows:,} ignored: {rule}" for rule, rows in r.ignored_by_rule.items())
    if not r.unchanged:
        n = file.records
        yield f"  records: {n.new:,} new, {n.changed:,} changed, {n.withdrawn:,} withdrawn"
        yield f"  new events: {r.events:,}"
        yield from (f"    {events:,} {signal}" for signal, events in file.events.items())
    for finding in file.findings:
        yield f"  {finding.severity.upper():<8}  {finding.what}"
        yield f"            {finding.fix} ({finding.owner})"
    yield ""
