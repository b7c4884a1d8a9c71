"""What goes wrong is logged by its kind and its place in the code, never by its text.

An exception's text may hold what a caller sent or what a record says (a refused value, a name in a
database's complaint). The server logs exceptions whole; this filter leaves what a developer needs.
"""

from __future__ import annotations

import logging
import traceback

from bentoml.exceptions import BentoMLException
from pydantic import ValidationError

SERVER_LOG = "bentoml._internal.server.http_app"


class WithoutValues(logging.Filter):
    """Cuts an exception down to its kind and, where it is our fault, to the lines it went through."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            said = f"{record.getMessage()}: {kind.__name__}"
            if not issubclass(kind, ValidationError | BentoMLException):
                said += "\n" + "".join(traceback.format_tb(trace))
            record.msg, record.args, record.exc_info, record.exc_text = said, (), None, None
        return True


def keep_values_out_of_logs() -> None:
    """Put the filter on the server's log, once."""
    log = logging.getLogger(SERVER_LOG)
    if not any(isinstance(known, WithoutValues) for known in log.filters):
        log.addFilter(WithoutValues())
