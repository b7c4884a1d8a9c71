# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Is it fair?
#
# Whom would the lists of the newest model have missed? For an offer of help the harm is being missed,
# so recall comes first. Everything here is of dates that the model had not seen, and is read from its
# card: counts of 1 to 7 people are shown as `*`, others to the nearest 5, and rates are of counts as shown.
#
# Make a workspace first with `earlyhelp demo`, or name another in `EARLYHELP_WORKSPACE`.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import SVG, display

from features.workspace import open_workspace
from models.approvals import approval_of, candidate_in_use
from models.audit_chart import scatter
from models.fairness import NOT_ESTIMABLE
from models.gates import gates_of
from models.human import FILE, folder_of, read_human, to_sign
from models.paper_groups import point_of
from models.told import cards_of_run

workspace = open_workspace(Path(os.environ.get("EARLYHELP_WORKSPACE", "workspace")))
candidate = candidate_in_use(workspace, workspace.settings.model)
name, card = candidate.specification.name, candidate.card
audit = card.get("audit") or {}
print(f"{candidate.specification.title}: {card.get('title', candidate.kind)}, model {candidate.sha256[:12]}")
print(approval_of(workspace, candidate) or "Approved by two people.")
if not audit:
    print("Nobody has looked whom this model misses: train it again with `earlyhelp train`.")

# %% [markdown]
# ## What the gates say
# A model cannot be approved while a group is missed more often than everybody by more than the
# specification's limit, even at the lower bound; nor while nobody has signed for a group of too few
# people to say.

# %%
human = read_human(folder_of(workspace, name, candidate.sha256) / FILE, model=candidate.sha256)
for gate in gates_of(card, human):
    print(f"{'met    ' if gate.met else 'NOT MET'}  {gate.name}: {gate.said}")

# %% [markdown]
# ## Who is missed, with intervals
# A gap is everybody's recall less the group's, in points, with its 95 % interval.

# %%
rows = []
for each in audit.get("by_one", ()):
    for group in each["groups"]:
        recall = group["estimates"]["recall"]
        low, high = recall["interval"] or (None, None)
        gap = recall["gap"] or {"value": None, "interval": (None, None)}
        rows.append(
            {
                "group": f"{each['characteristic'].replace('_', ' ')}: {group['name']}",
                "people": group["counts"]["n"],
                "outcome followed": group["counts"]["positives"],
                "recall": recall["rate"],
                "from": low,
                "to": high,
                "points behind": gap["value"],
                "at least": gap["interval"][0],
                "at most": gap["interval"][1],
                "said": recall["verdict"],
            }
        )
groups = pd.DataFrame(rows)
groups

# %% [markdown]
# Only where the whole bar lies right of nought is a group found less often than chance would have it;
# only where it lies right of the dashed line, the limit, does the gate stop.

# %%
known = groups.dropna(subset=["points behind"]).iloc[::-1] if rows else groups
if len(known):
    figure, axes = plt.subplots(figsize=(9, 0.8 + 0.32 * len(known)))
    places = range(len(known))
    axes.hlines(places, 100 * known["at least"], 100 * known["at most"], color="#505a5f", linewidth=2)
    axes.plot(100 * known["points behind"], places, "o", color="#1d70b8")
    axes.axvline(0, color="#0b0c0c", linewidth=0.8)
    axes.axvline(100 * audit["limit"], color="#c22f17", linestyle="--", linewidth=1)
    axes.set_yticks(places, known["group"])
    axes.set_xlabel("Everybody's recall less the group's, points")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    plt.show()
else:
    print("No group's gap can be estimated.")

# %% [markdown]
# ## What cannot be estimated, and why
# Under 30 people with the outcome nothing is said about finding them; *too few to show* would give
# small counts away. That a group is small is no reason to think that it is treated alike: somebody named
# says why it is accepted.

# %%
for group in to_sign(card):
    print(f"{NOT_ESTIMABLE}: {group}; {human.reasons.get(group, 'nobody has signed for it')}")
if rows:
    display(groups.loc[groups["recall"].isna(), ["group", "people", "outcome followed", "said"]])

# %% [markdown]
# ## The price, if there is one
# Every candidate of the run that was audited: up is a list that is right more often, left one
# that misses groups more alike. Nothing here sets another threshold for a group.

# %%
points = [point for one in cards_of_run(workspace, candidate) if (point := point_of(one))]
if points:
    display(SVG(scatter(points)))

# %% [markdown]
# ## Is a chance of 10 % a chance of 10 % for everybody?
# How often the outcome followed, over how often the model said it would: above 1 the risk of a group
# is told too low.

# %%
pd.DataFrame(
    [
        {"characteristic": characteristic, "group": group, "followed ÷ foretold": found["ratio"]}
        | dict(zip(("from", "to"), found["interval"] or (None, None), strict=True))
        | {"said": found["verdict"]}
        for characteristic, of in audit.get("calibration", {}).items()
        if " × " not in characteristic
        for group, found in of.items()
    ]
)

# %% [markdown]
# ## Two at once, and what the label measures
# Groups of two characteristics stop nothing by themselves: among so many, some are behind by chance. And
# where a group is met more often *and* recorded more often, the label may measure attention, not need.

# %%
for answer in audit.get("look_at", ()):
    print(f"to be looked at: {answer['characteristic']}: {answer['group']}")
pd.DataFrame(
    [
        {"characteristic": each["characteristic"], "group": group["name"]}
        | {measure: found["rate"] for measure, found in group["estimates"].items()}
        for each in audit.get("attention", ())
        for group in each["groups"]
    ]
)
