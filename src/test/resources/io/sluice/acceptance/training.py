"""Compares trained models and their predictions with scikit-learn's.

training.py TRAIN TEST SOFTMAX SOFTMAX_PREDICTIONS LINEAR LINEAR_PREDICTIONS
"""

import json
import sys

import numpy
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import confusion_matrix, log_loss, mean_squared_error, r2_score
from sklearn.preprocessing import StandardScaler

L2 = 0.01

train, test = load_file(sys.argv[1]), load_file(sys.argv[2])
scaler = StandardScaler().fit(train["x"].astype(float))
train_x, test_x = scaler.transform(train["x"]), scaler.transform(test["x"])


def check(what, condition):
    if not condition:
        sys.exit("wrong: " + what)


def model(path):
    tensors = load_file(path)
    check("mean", numpy.allclose(tensors["feature.mean"], scaler.mean_, rtol=1e-6, atol=1e-7))
    check("scale", numpy.allclose(tensors["feature.scale"], scaler.scale_, rtol=1e-6))
    return tensors["weight"], tensors["bias"]


weight, bias = model(sys.argv[3])
predicted = json.load(open(sys.argv[4]))
classes = numpy.array(predicted["classes"])
oracle = LogisticRegression(C=1 / (len(train_x) * L2), max_iter=10_000, tol=1e-9)
oracle.fit(train_x, train["y"])
# scores are determined up to a number that all classes share
centred = oracle.coef_ - oracle.coef_.mean(axis=0)
check("softmax weights", numpy.abs(weight - weight.mean(axis=0) - centred).max() < 0.01)
check("classes", (classes == oracle.predict(test_x)).mean() > 0.99)
check("own classes", (classes == (test_x @ weight.T + bias).argmax(axis=1)).all())
ours = predicted["metrics"]
check("accuracy", ours["accuracy"] == (classes == test["y"]).mean())
check("one point", abs(ours["accuracy"] - oracle.score(test_x, test["y"])) <= 0.01)
check("confusion", (numpy.array(ours["confusion"]) == confusion_matrix(test["y"], classes)).all())
probabilities = numpy.array(predicted["probabilities"])
check("probabilities", numpy.abs(probabilities - oracle.predict_proba(test_x)).max() < 0.02)
check("loss", abs(ours["loss"] - log_loss(test["y"], probabilities)) < 1e-4)

weight, bias = model(sys.argv[5])
predicted = json.load(open(sys.argv[6]))
oracle = Ridge(alpha=len(train_x) * L2, solver="cholesky").fit(train_x, train["y"].astype(float))
check("linear weights", numpy.abs(weight[0] - oracle.coef_).max() < 0.01)
check("linear bias", abs(bias[0] - oracle.intercept_) < 1e-3)
targets = numpy.array(predicted["targets"])[:, 0]
check("targets", numpy.abs(targets - oracle.predict(test_x)).max() < 0.02)
ours = predicted["metrics"]
check("mse", abs(ours["meanSquaredError"] - mean_squared_error(test["y"], targets)) < 1e-4)
check("r2", abs(ours["r2"] - r2_score(test["y"], targets)) < 1e-5)
print("ok softmax and linear")
