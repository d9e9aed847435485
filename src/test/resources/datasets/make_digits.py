"""Writes digits-train.safetensors, digits-test.safetensors and digits-golden.json beside itself.

The data is scikit-learn's load_digits (1797 images of 8 x 8 pixels of 0 to 16), split 80 to 20,
stratified by class, with a fixed seed. The golden file says what scikit-learn's logistic regression
reaches on it: raw pixels, and standardised ones at the penalty that the tests train with.

    python make_digits.py          needs scikit-learn and safetensors
"""

import json
import pathlib

import numpy
import sklearn
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

L2 = 1e-3

folder = pathlib.Path(__file__).resolve().parent
digits = load_digits()
x = digits.data.astype(numpy.uint8)
y = digits.target.astype(numpy.uint8)
assert (x == digits.data).all()
train_x, test_x, train_y, test_y = train_test_split(
    x, y, test_size=0.2, stratify=y, random_state=0
)
save_file({"x": train_x, "y": train_y}, folder / "digits-train.safetensors")
save_file({"x": test_x, "y": test_y}, folder / "digits-test.safetensors")

raw = LogisticRegression(max_iter=10_000).fit(train_x.astype(float), train_y)
scaler = StandardScaler().fit(train_x.astype(float))
# scikit-learn minimises C times the sum of losses and half the squared weights: C = 1 / (n l2)
standard = LogisticRegression(C=1 / (len(train_x) * L2), max_iter=10_000, tol=1e-8)
standard.fit(scaler.transform(train_x), train_y)
predicted = standard.predict(scaler.transform(test_x))
golden = {
    "sklearn": sklearn.__version__,
    "trainRows": len(train_x),
    "testRows": len(test_x),
    "rawAccuracy": raw.score(test_x.astype(float), test_y),
    "l2": L2,
    "accuracy": float((predicted == test_y).mean()),
    "trainLoss": log_loss(train_y, standard.predict_proba(scaler.transform(train_x))),
    "testLoss": log_loss(test_y, standard.predict_proba(scaler.transform(test_x))),
    "classes": predicted.tolist(),
    "confusion": confusion_matrix(test_y, predicted).tolist(),
}
(folder / "digits-golden.json").write_text(json.dumps(golden) + "\n")
print({k: v for k, v in golden.items() if k not in ("classes", "confusion")})
