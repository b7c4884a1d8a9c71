"""`make bench`: measure on generated data, print times and ratios of this one run, change nothing.

Times wander with what else the machine does; the ratios of one run are what to read.
"""

from __future__ import annotations

import argparse

from benchmarks import panel


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    given.add_argument("--people", type=int, default=20_000)
    given.add_argument("--events", type=int, default=700_000)
    asked = given.parse_args()
    timings = panel.run(people=asked.people, events=asked.events)
    unit = timings[0].seconds
    print("The panel of one date; every value computed both ways and found the same.\n")
    print(f"{'seconds':>9}  {'ratio':>7}")
    for timing in timings:
        print(f"{timing.seconds:9.3f}  {timing.seconds / unit:7.1f}  {timing.what}")


if __name__ == "__main__":
    main()
