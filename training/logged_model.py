"""The model that MLflow logs: an exported candidate, loaded as serving loads it.

MLflow keeps this file beside the candidate's folder ("models from code"), so that nothing is
pickled; predicting takes a data frame with the model's columns by name and gives chances.
"""

from pathlib import Path
from typing import Any

import mlflow.models
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel

from models.calibration import chance
from models.candidate import columns_by_name, load_candidate


class ExportedCandidate(PythonModel):
    """Chances of a candidate's outcome, of a frame (n, columns by name)."""

    def load_context(self, context: Any) -> None:
        self.candidate = load_candidate(Path(context.artifacts["candidate"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> np.ndarray:
        model = self.candidate
        X = columns_by_name(model_input.to_numpy(np.float32), list(model_input.columns), model.names)
        return chance(model.slope * model.scorer.margin(X) + model.intercept)


mlflow.models.set_model(ExportedCandidate())
