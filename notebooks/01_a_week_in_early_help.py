# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A week in Early Help
#
# One Monday, seen by three people: the practitioner who gets the list, the analyst who answers for the
# model, the board that must be able to see, challenge and stop it. Everybody here is simulated.
#
# Make the workspace first with `earlyhelp demo`, or name another in `EARLYHELP_WORKSPACE`.

# %%
import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from features.panel import read_panel
from features.snapshot import open_snapshot
from features.workspace import open_workspace
from models.candidate import chance, newest_candidate
from serving.person import explain_person
from serving.weekly_list import kept_dates, kept_list, remake

workspace = open_workspace(Path(os.environ.get("EARLYHELP_WORKSPACE", "workspace")))
as_of = kept_dates(workspace)[-1]
weekly = kept_list(workspace, as_of)
print(weekly["approval"])
print(f"{weekly['council']}, {as_of:%A %-d %B %Y}: {len(weekly['flags'])} of {weekly['scored']:,} people")

# %% [markdown]
# ## The practitioner: who, and why
# The same list as on the page. Every reason has events behind it, and says when.

# %%
pd.set_option("display.max_colwidth", 90)
listed = pd.DataFrame(weekly["flags"])
listed["first reason"] = [reasons[0]["sentence"] if reasons else "" for reasons in listed["reasons"]]
listed[["rank", "person_id", "age", "chance_words", "first reason", "standing"]].head(10)

# %% [markdown]
# One person in full: the reasons, what weighs how much, and every event the model saw, in order of time.

# %%
person = explain_person(workspace, weekly["flags"][0]["person_id"], as_of=as_of)
print(person.text())

# %% [markdown]
# The contacts of this person and the household, by agency, as they happened.

# %%
timeline = pd.DataFrame([(m.occurred_on, m.source) for m in person.timeline], columns=["day", "source"])
sources = sorted(timeline["source"].unique())
figure, axes = plt.subplots(figsize=(9, 0.5 + 0.4 * len(sources)))
axes.plot(pd.to_datetime(timeline["day"]), [sources.index(s) for s in timeline["source"]], "|", markersize=14)
axes.set_yticks(range(len(sources)), sources)
axes.set_title("One person's contacts, by agency")
axes.spines[["top", "right"]].set_visible(False)
figure.tight_layout()

# %% [markdown]
# ## The analyst: is it better than what a manager would sort by?
# Judged on dates the model had not seen, beside the baselines. Precision is of a list cut at capacity.

# %%
candidate = newest_candidate(workspace, workspace.settings.model)
card = candidate.card
columns = ["auc", "average_precision", "precision", "recall", "lift", "calibration_slope"]
judged = pd.DataFrame({card["kind"]: card["test"], **card["beside"]}).T[columns].astype(float).round(3)
print(
    f"base rate {card['test']['base_rate']:.1%}, {card['test']['positives']} outcomes, on "
    + ", ".join(card["test"]["dates"])
)
judged

# %% [markdown]
# The panel that was scored: one row per person, from what was known that morning. The chances add up from
# exact contributions.

# %%
snapshot = open_snapshot(workspace, last_delivery=weekly["last_delivery"], link_run=weekly["link_run"])
panel = read_panel(snapshot, candidate.catalogue, as_of)
missing = np.isnan(panel.X).mean()
print(f"{panel.X.shape[0]:,} people × {panel.X.shape[1]} features, {missing:.0%} of them not known")
rows = panel.rows_of([weekly["flags"][0]["person_id"]])
contributions = candidate.contributions(panel, rows)
log_odds = candidate.log_odds(panel, rows)
assert abs(contributions.sum() - log_odds[0]) < 1e-9
assert log_odds[0] == weekly["flags"][0]["log_odds"]
print(
    f"{contributions.shape[1] - 1} contributions and the base add up to a chance of {chance(log_odds)[0]:.1%}"
)

# %% [markdown]
# ## The board: can it be made again, and whom does it serve?
# The list made again from the delivery, the link run and the model it names is the same list.

# %%
again = remake(workspace, as_of)
assert again.hash == weekly["hash"]
print(f"made again: {again.hash[:16]}…, the same")

# %% [markdown]
# Groups on this week's list. Counts leave through the one disclosure door: 1 to 7 are starred, the rest
# rounded to 5.

# %%
report = json.loads((workspace.report_folder(as_of) / "fairness.json").read_text())
pd.DataFrame(
    [
        {"characteristic": audit["characteristic"], "group": group["name"], **group["counts"]}
        | {"share of the group listed": group["estimates"]["selection"]["rate"]}
        for audit in report["this_week"]
        for group in audit["groups"]
    ]
).set_index(["characteristic", "group"])
