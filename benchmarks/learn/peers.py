"""Sets leadloop learn beside scikit-learn on the rows that it held out.

    pip install scikit-learn pandas
    go build -o leadloop ./cmd/leadloop
    python benchmarks/learn/peers.py ./leadloop TABLE.csv OUTCOME [options of leadloop learn]

Both learn from the same columns (those that the leakage audit kept) and rows
(held out is row i, from 0, if fnv1a32(i) % 5 == 0; with --in-order the last
fifth). The peers are a ridge logistic regression, its strength chosen by
cross-validation, on standardised numbers and one-hot categories, and gradient
boosting on histograms.
"""

import json
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

WON = {"yes", "y", "1", "1.0", "true", "won"}


def fnv1a32(text):
    h = 2166136261
    for b in text.encode():
        h = (h ^ b) * 16777619 & 0xFFFFFFFF
    return h


def main():
    program, table, outcome, *options = sys.argv[1:]
    run = subprocess.run([program, "learn", "--in", table, "--outcome", outcome, "--json", *options], capture_output=True, text=True)
    if not run.stdout:
        sys.exit(run.stderr)
    report = json.loads(run.stdout)
    rows = pd.read_csv(table, sep=None, engine="python", keep_default_na=False, dtype=str)
    said = rows[outcome].str.strip()
    if "--positive" in options:
        won = (said == options[options.index("--positive") + 1]).to_numpy()
    else:
        won = said.str.lower().isin(WON).to_numpy()
    n = len(rows)
    if "--in-order" in options:
        held = np.arange(n) >= n - report["test"]["leads"]
    else:
        held = np.array([fnv1a32(str(i)) % 5 == 0 for i in range(n)])
    columns = {c["column"]: c["kind"] for c in report["table"]["columns"] if c["used"]}
    x = pd.DataFrame({c: pd.to_numeric(rows[c], errors="coerce") if kind == "number" else rows[c].replace("", "missing") for c, kind in columns.items()})
    numbers = [c for c, kind in columns.items() if kind == "number"]
    texts = [c for c in columns if c not in numbers]
    prepared = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numbers),
        ("texts", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10), texts),
    ])
    ridge = make_pipeline(prepared, LogisticRegressionCV(Cs=np.logspace(-3, 1, 9), cv=4, scoring="neg_log_loss", max_iter=1000))
    boosted = HistGradientBoostingClassifier(categorical_features="from_dtype", learning_rate=0.05, max_iter=300, early_stopping=True, random_state=0)
    few = x.copy()
    for c in texts:
        known = x[c].value_counts().index[:250]
        few[c] = x[c].where(x[c].isin(known), "other").astype("category")

    held_out = report["held_out"]
    print(f"{n} rows, {len(columns)} columns, {won.mean():.1%} won, {held.sum()} held out")
    print(f"leadloop learn     AUC {held_out['auc']['value']:.4f} ({held_out['auc']['low']:.3f} to {held_out['auc']['high']:.3f})  log-loss {held_out['log_loss']:.4f}")
    for name, model, data in (("ridge regression", ridge, x), ("gradient boosting", boosted, few)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            p = model.fit(data[~held], won[~held]).predict_proba(data[held])[:, 1]
        print(f"{name:<18} AUC {roc_auc_score(won[held], p):.4f}                     log-loss {log_loss(won[held], p):.4f}")


main()
