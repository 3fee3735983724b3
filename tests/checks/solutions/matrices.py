"""A whole exercise in matrices: updates in place, shuffled numbers, `np.dot`, names of its own."""

import os
import tarfile

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def d_sigmoid(x):
    s = sigmoid(x)
    return s - s**2


def squared_error(out, target):
    diff = out - target
    return np.square(diff).sum() / 2


def d_squared_error(out, target):
    return np.subtract(out, target)


class Network:
    def __init__(self, inputs, hidden, outputs):
        self.shape = (inputs, hidden, outputs)
        self.generator = np.random.RandomState(7)
        self.init_weights()

    def init_weights(self):
        inputs, hidden, outputs = self.shape
        self.W1 = self.generator.randn(hidden, inputs) * 0.1
        self.W2 = self.generator.randn(outputs, hidden) * 0.1
        self.b1 = np.zeros(shape=(hidden, 1))
        self.b2 = np.zeros(shape=(outputs, 1))

    def forward(self, X):
        self.a1 = np.dot(self.W1, X) + self.b1
        self.h1 = sigmoid(self.a1)
        self.a2 = np.dot(self.W2, self.h1) + self.b2
        self.out = sigmoid(self.a2)
        return self.out

    def predict(self, X):
        return self.forward(X).argmax(0)

    def backward(self, X, y, d):
        error = d_squared_error(y, d)
        delta_out = error * d_sigmoid(self.a2)
        grad_W2 = np.dot(delta_out, self.h1.T)
        grad_b2 = np.sum(delta_out, 1, keepdims=True)
        back = np.dot(self.W2.T, delta_out)
        delta_hid = back * d_sigmoid(self.a1)
        grad_W1 = np.dot(delta_hid, X.T)
        grad_b1 = np.sum(delta_hid, 1, keepdims=True)
        return grad_W1, grad_b1, grad_W2, grad_b2

    def train_iteration(self, X, d, lr=1e-2):
        out = self.forward(X)
        cost = squared_error(out, d)
        grad_W1, grad_b1, grad_W2, grad_b2 = self.backward(X, out, d)
        self.W2 -= lr * grad_W2
        self.b2 -= lr * grad_b2
        self.W1 -= lr * grad_W1
        self.b1 -= lr * grad_b1
        return cost

    def fit(self, X, d, batch_size, n_epochs=10, lr=1e-2):
        number = X.shape[1]
        indices = np.arange(number)
        curve = []
        for _ in range(n_epochs):
            total = 0
            self.generator.shuffle(indices)
            for start in range(0, number, batch_size):
                chosen = indices[start : start + batch_size]
                total += self.train_iteration(X[:, chosen], d[:, chosen], lr)
            curve.append(total / number)
        return curve


def load_digits(path):
    tarfile.open(path).extractall(filter="data")
    train_labels = np.load("mnist-train-labels.npy")
    test_labels = np.load("mnist-test-labels.npy")
    X_train = to_columns(np.load("mnist-train-images.npy"))
    X_test = to_columns(np.load("mnist-test-images.npy"))
    os.remove("mnist-train-images.npy")
    return X_train, to_targets(train_labels), train_labels, X_test, to_targets(test_labels), test_labels


def to_columns(pictures):
    flat = pictures.reshape(pictures.shape[0], 784)
    return (flat / 255.0).T


def to_targets(labels):
    targets = np.zeros((10, labels.size))
    targets[labels, np.arange(labels.size)] = 1
    return targets


def evaluate(network, X_train, train_labels, X_test, test_labels):
    guessed_train = network.predict(X_train)
    guessed_test = network.predict(X_test)
    share_train = (guessed_train == train_labels).mean()
    share_test = (guessed_test == test_labels).mean()
    table = np.zeros((10, 10))
    for right, guess in zip(test_labels, guessed_test):
        table[right, guess] += 1
    return share_train, share_test, table


def softmax(a):
    powers = np.exp(a - np.max(a, axis=0, keepdims=True))
    return powers / np.sum(powers, axis=0, keepdims=True)


def cross_entropy(y, d):
    return -(d * np.log(y + 1e-12)).sum()


def relu(a):
    return a * (a > 0)


def d_relu(a):
    return (a > 0).astype(float)


class Deep:
    """Relu, softmax and cross-entropy."""

    def __init__(self, inputs, hidden, outputs):
        sizes = [inputs, *hidden, outputs]
        self.depth = len(sizes) - 1
        for i in range(1, self.depth + 1):
            setattr(self, f"W{i}", np.random.randn(sizes[i], sizes[i - 1]) * 0.1)
            setattr(self, f"b{i}", np.zeros((sizes[i], 1)))

    def forward(self, X):
        self.sums, self.outs = [], [X]
        for i in range(1, self.depth + 1):
            a = getattr(self, f"W{i}") @ self.outs[-1] + getattr(self, f"b{i}")
            self.sums.append(a)
            self.outs.append(relu(a) if i < self.depth else softmax(a))
        self.output = self.outs[-1]
        return self.output

    def backward(self, X, y, d):
        delta = y - d
        result = []
        for i in range(self.depth, 0, -1):
            result = [delta @ self.outs[i - 1].T, delta.sum(1, keepdims=True)] + result
            if i > 1:
                delta = getattr(self, f"W{i}").T @ delta
                delta = delta * d_relu(self.sums[i - 2])
        return result


several_layers = Deep
