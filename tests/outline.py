"""How a page is built: read without a browser, for the tests of every page that we write."""

import re
from html.parser import HTMLParser

VOID = {"meta", "polyline", "rect", "br"}


class Outline(HTMLParser):
    """Whether tags close as they open, which ids there are, and the headings in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        self.ids += [str(told["id"])] if "id" in told else []
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag == "th":
            assert "scope" in told
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
