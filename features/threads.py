"""Work on one thing after another in several threads, a few at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def in_order(work: Callable[[Item], Done], items: Iterable[Item], *, threads: int) -> Iterator[Done]:
    """work(item) for each item, in their order.

    No more than `threads` are worked on or wait for whoever takes them, besides the one just taken:
    so that what work gives may be large. What it raises is raised here, and nothing more is begun.
    """
    with ThreadPoolExecutor(threads) as pool:
        begun: deque[Future[Done]] = deque()
        try:
            for item in items:
                if len(begun) == threads:
                    yield begun.popleft().result()
                begun.append(pool.submit(work, item))
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
