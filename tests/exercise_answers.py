"""The exercise with a student's answers in its gaps, on fewer images than there are."""

import re
from pathlib import Path
from textwrap import indent

import nbformat
from lessons import code_cells

from explorer.checks import TASKS
from explorer.checks.tasks import solution

EXERCISE = Path(__file__).parents[1] / "notebooks" / "exercise.ipynb"
FEWER = """\
from dataclasses import replace

parts = {f"{split}_{part}": n for split, n in (("train", 2000), ("test", 500)) for part in ("images", "labels")}
np.random.seed(0)  # the answers draw from it
dataset = replace(dataset, **{name: getattr(dataset, name)[:n] for name, n in parts.items()})"""
GAP = re.compile(r"^( *)(?:return \.\.\.|pass|LayeredNetwork = \.\.\.)  # YOUR CODE HERE.*$", re.MULTILINE)

# By the ids of the cells: what replaces the line with the gap.
ANSWERS = {
    "sigmoid": "return 1 / (1 + np.exp(-a))",
    "d_sigmoid": "return sigmoid(a) * (1 - sigmoid(a))",
    "squared_error": "return np.sum((y - d) ** 2) / 2",
    "d_squared_error": "return y - d",
    "init_weights": """\
sizes = self.n_input, self.n_hidden, self.n_output
r1, r2 = np.sqrt(6 / (sizes[0] + sizes[1])), np.sqrt(6 / (sizes[1] + sizes[2]))
self.W1 = np.random.uniform(-r1, r1, (sizes[1], sizes[0]))
self.W2 = np.random.uniform(-r2, r2, (sizes[2], sizes[1]))
self.b1, self.b2 = np.zeros((sizes[1], 1)), np.zeros((sizes[2], 1))""",
    "forward": """\
self.a1 = self.W1 @ X + self.b1
self.h1 = sigmoid(self.a1)
self.a2 = self.W2 @ self.h1 + self.b2
return sigmoid(self.a2)""",
    "predict": "return self.forward(X).argmax(axis=0)",
    "backward": """\
delta2 = (y - d) * d_sigmoid(self.a2)
delta1 = (self.W2.T @ delta2) * d_sigmoid(self.a1)
d_b1, d_b2 = (delta.sum(axis=1, keepdims=True) for delta in (delta1, delta2))
return delta1 @ X.T, d_b1, delta2 @ self.h1.T, d_b2""",
    "train_iteration": """\
y = self.forward(X)
d_W1, d_b1, d_W2, d_b2 = self.backward(X, y, d)
self.W1 -= lr * d_W1
self.b1 -= lr * d_b1
self.W2 -= lr * d_W2
self.b2 -= lr * d_b2
return squared_error(y, d)""",
    "fit": """\
n, history = X.shape[1], []
for epoch in range(n_epochs):
    order, loss = np.random.permutation(n), 0
    for start in range(0, n, batch_size):
        batch = order[start : start + batch_size]
        loss += self.train_iteration(X[:, batch], d[:, batch], lr)
    history.append(loss / n)
return history""",
    "load_digits": """\
import tarfile, tempfile

arrays = []
with tempfile.TemporaryDirectory() as folder:
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    for split in ("train", "test"):
        images = np.load(f"{folder}/mnist-{split}-images.npy")
        labels = np.load(f"{folder}/mnist-{split}-labels.npy")
        arrays += [images.reshape(len(images), -1).T / 255, np.eye(10)[labels].T, labels]
return tuple(arrays)""",
    "evaluate": """\
predicted, confusion = network.predict(X_test), np.zeros((10, 10), int)
for true, found in zip(test_labels, predicted):
    confusion[true, found] += 1
on_train = np.mean(network.predict(X_train) == train_labels)
return on_train, np.mean(predicted == test_labels), confusion""",
    "softmax": """\
e = np.exp(a - a.max(axis=0))
return e / e.sum(axis=0)""",
    "cross_entropy": "return -np.sum(d * np.log(np.clip(y, 1e-300, None)))",
    "relu": "return np.maximum(0, a)",
    "d_relu": "return (a > 0).astype(float)",
    "several_layers": """\
class LayeredNetwork:
    def __init__(self, n_input, n_hidden, n_output):
        sizes = [n_input, *n_hidden, n_output]
        for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), 1):
            setattr(self, f"W{k}", np.random.normal(0, np.sqrt(2 / n_in), (n_out, n_in)))
            setattr(self, f"b{k}", np.zeros((n_out, 1)))
        self.n_layers = len(n_hidden) + 1

    def forward(self, X):
        self.a, self.h = {}, {0: X}
        for k in range(1, self.n_layers + 1):
            self.a[k] = getattr(self, f"W{k}") @ self.h[k - 1] + getattr(self, f"b{k}")
            self.h[k] = relu(self.a[k])
        return softmax(self.a[self.n_layers])

    def backward(self, X, y, d):
        delta, found = y - d, []
        for k in range(self.n_layers, 0, -1):
            found = [delta @ self.h[k - 1].T, delta.sum(axis=1, keepdims=True), *found]
            if k > 1:
                delta = (getattr(self, f"W{k}").T @ delta) * d_relu(self.a[k - 1])
        return found""",
}


def given():
    """The notebook's cell with the class that each method is added to."""
    return next(cell.source for cell in code_cells(EXERCISE) if cell.id == "network")


def pasted(cells=solution):
    """A script of the given class and the solution of each task, as a student pastes them."""
    before_the_methods = [*TASKS].index("init_weights")
    parts = [cells(task) for task in TASKS]
    parts.insert(before_the_methods, given())
    return "\n\n\n".join(["import numpy as np", *parts]) + "\n"


def answered(notebook, *, with_app=False, answers=ANSWERS):
    """Fill in the answers of a notebook; the app at its end, which trains for a while, stays only if asked for."""
    cells = []
    for cell in notebook.cells:
        if cell.id in ANSWERS:
            answer = answers[cell.id]
            margin = GAP.search(cell.source)[1]
            cell.source = GAP.sub(indent(answer, margin), cell.source)
        if cell.id == "archive":
            cells.append(nbformat.v4.new_code_cell(FEWER))
        if cell.id != "explorer" or with_app:
            cells.append(cell)
    notebook.cells = cells
    return notebook
