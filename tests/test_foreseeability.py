"""How much can be foreseen: by the hidden troubles, by the model, by each baseline (nightly)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from simulation import truth
from simulation.county import simulate

SPECS = Path(__file__).parents[1] / "models" / "specs"
QUARTERS = (date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1))


def aucs(folder: Path, *, people: int, seed: int) -> dict[str, float]:
    """Simulate a county, take in its history, train; the AUC of the troubles and of every candidate."""
    from features.ingest import ingest
    from features.link import link
    from features.workspace import init_workspace, open_workspace
    from training.run import train

    extracts, root = folder / "county", folder / "workspace"
    simulate(people=people, years=7, seed=seed, out=extracts)
    init_workspace(root, sources=extracts / "sources", specs=SPECS)
    workspace = open_workspace(root)
    received = json.loads((extracts / "county.json").read_text())["history_received_on"]
    ingest(workspace, extracts / "history", received=date.fromisoformat(received), history=True)
    link(workspace)
    judged = train(workspace, "escalation").judged
    hidden = [truth.latent_figures(extracts, day)[0] for day in QUARTERS]
    return {"troubles": sum(hidden) / len(hidden), **{kind: j.auc for kind, j in judged.items()}}


@pytest.mark.nightly
def test_the_model_lies_between_the_baselines_and_the_troubles_over_five_seeds(tmp_path: Path) -> None:
    found = []
    for seed in range(1, 6):
        found.append(aucs(tmp_path / str(seed), people=5_000, seed=seed))
        print(f"seed {seed}: " + ", ".join(f"{kind} {auc:.3f}" for kind, auc in found[-1].items()))
    mean = {kind: sum(f[kind] for f in found) / len(found) for kind in found[0]}
    print("mean:   " + ", ".join(f"{kind} {auc:.3f}" for kind, auc in mean.items()))
    baselines = [auc for kind, auc in mean.items() if kind not in ("troubles", "lightgbm", "logistic")]
    assert len(baselines) == 3
    assert max(baselines) < mean["lightgbm"]
    assert 0.82 < mean["troubles"] < 0.88
