"""Writes scoring/learn/testdata/logistic.json: ridge regressions that scikit-learn
solved, which the Go solver has to agree with to 1e-8.

    pip install scikit-learn==1.9.1 && python benchmarks/learn/logistic.py > scoring/learn/testdata/logistic.json
"""

import json

import numpy as np
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(20261130)
cases = []
for rows, sizes, penalty in [(120, [3, 4], 1.0), (400, [2, 5, 6], 0.3), (60, [4], 10.0), (1000, [3, 3, 8, 2], 100.0)]:
    groups = np.stack([rng.integers(0, n, rows) for n in sizes], axis=1)
    design = np.hstack([np.eye(n)[groups[:, k]] for k, n in enumerate(sizes)])
    truth = rng.normal(size=design.shape[1])
    won = (rng.random(rows) < 1 / (1 + np.exp(-(design @ truth - 1)))).astype(int)
    # Its objective is C times the loss plus half the squares; ours is divided by C.
    model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(design, won)
    cases.append(
        {
            "penalty": penalty,
            "sizes": sizes,
            "groups": groups.tolist(),
            "won": won.tolist(),
            "constant": float(model.intercept_[0]),
            "weights": [float(w) for w in model.coef_[0]],
        }
    )
print(json.dumps(cases))
