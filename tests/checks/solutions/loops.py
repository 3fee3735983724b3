"""A whole exercise in loops: no product of matrices anywhere, samples one by one, lists on the way."""

import io
import math
import random
import tarfile

import numpy as np


def _logistic(value):
    if value < -700:
        return 0.0
    return 1 / (1 + math.exp(-value))


def sigmoid(a):
    result = np.zeros(np.shape(a))
    for place, value in np.ndenumerate(a):
        result[place] = _logistic(value)
    return result


def d_sigmoid(a):
    result = np.zeros(np.shape(a))
    for place, value in np.ndenumerate(a):
        h = _logistic(value)
        result[place] = h * (1 - h)
    return result


def squared_error(y, d):
    total = 0.0
    for output, target in zip(y.flat, d.flat):
        total += (output - target) ** 2
    return 0.5 * total


def d_squared_error(y, d):
    slopes = np.empty_like(y)
    for place in np.ndindex(y.shape):
        slopes[place] = y[place] - d[place]
    return slopes


class Network:
    def __init__(self, n_in, n_hid, n_out):
        self.n_in, self.n_hid, self.n_out = n_in, n_hid, n_out
        self.init_weights()

    def init_weights(self):
        self.W1 = np.array([[random.gauss(0, 0.1) for _ in range(self.n_in)] for _ in range(self.n_hid)])
        self.b1 = np.array([[0.0] for _ in range(self.n_hid)])
        self.W2 = np.array([[random.gauss(0, 0.1) for _ in range(self.n_hid)] for _ in range(self.n_out)])
        self.b2 = np.array([[0.0] for _ in range(self.n_out)])

    def forward(self, X):
        n = X.shape[1]
        self.a1, self.h1 = np.zeros((self.n_hid, n)), np.zeros((self.n_hid, n))
        self.a2, y = np.zeros((self.n_out, n)), np.zeros((self.n_out, n))
        for s in range(n):
            x = X[:, s]
            for j in range(self.n_hid):
                self.a1[j, s] = sum(self.W1[j, i] * x[i] for i in range(self.n_in)) + self.b1[j, 0]
                self.h1[j, s] = _logistic(self.a1[j, s])
            for k in range(self.n_out):
                self.a2[k, s] = sum(self.W2[k, j] * self.h1[j, s] for j in range(self.n_hid)) + self.b2[k, 0]
                y[k, s] = _logistic(self.a2[k, s])
        return y

    def predict(self, X):
        y = self.forward(X)
        classes = []
        for s in range(y.shape[1]):
            column = list(y[:, s])
            classes.append(column.index(max(column)))
        return np.array(classes)

    def backward(self, X, y, d):
        d_W1, d_b1 = np.zeros(self.W1.shape), np.zeros(self.b1.shape)
        d_W2, d_b2 = np.zeros(self.W2.shape), np.zeros(self.b2.shape)
        slope1, slope2 = d_sigmoid(self.a1), d_sigmoid(self.a2)
        for s in range(X.shape[1]):
            delta2 = [(y[k, s] - d[k, s]) * slope2[k, s] for k in range(self.n_out)]
            delta1 = []
            for j in range(self.n_hid):
                blame = sum(self.W2[k, j] * delta2[k] for k in range(self.n_out))
                delta1.append(blame * slope1[j, s])
            for k in range(self.n_out):
                d_b2[k, 0] += delta2[k]
                for j in range(self.n_hid):
                    d_W2[k, j] += delta2[k] * self.h1[j, s]
            for j in range(self.n_hid):
                d_b1[j, 0] += delta1[j]
                for i in range(self.n_in):
                    d_W1[j, i] += delta1[j] * X[i, s]
        return [d_W1, d_b1, d_W2, d_b2]

    def train_iteration(self, X, d, lr=1e-2):
        y = self.forward(X)
        loss_before = squared_error(y, d)
        gradients = self.backward(X, y, d)
        for name, gradient in zip(["W1", "b1", "W2", "b2"], gradients):
            setattr(self, name, getattr(self, name) - lr * gradient)
        return loss_before

    def fit(self, X, d, batch_size, n_epochs=10, lr=1e-2):
        losses = np.zeros(n_epochs)
        columns = list(range(X.shape[1]))
        for epoch in range(n_epochs):
            random.shuffle(columns)
            X_mixed, d_mixed = X[:, columns], d[:, columns]
            first = 0
            while first < len(columns):
                last = first + batch_size
                losses[epoch] += self.train_iteration(X_mixed[:, first:last], d_mixed[:, first:last], lr)
                first = last
            losses[epoch] /= len(columns)
        return losses


def load_digits(path):
    arrays = {}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            arrays[member.name] = np.load(io.BytesIO(archive.extractfile(member).read()))
    result = []
    for part in ("train", "test"):
        images, labels = arrays[f"mnist-{part}-images.npy"], arrays[f"mnist-{part}-labels.npy"]
        X = np.zeros((784, len(images)), dtype=np.float32)
        Y = np.zeros((10, len(images)))
        for k in range(len(images)):
            X[:, k] = images[k].flatten() / 255
            Y[labels[k], k] = 1
        result += [X, Y, labels]
    return result


def evaluate(network, X_train, train_labels, X_test, test_labels):
    shares = []
    for X, labels in ((X_train, train_labels), (X_test, test_labels)):
        predicted = np.argmax(network.forward(X), axis=0)
        hits = 0
        for guess, label in zip(predicted, labels):
            if guess == label:
                hits += 1
        shares.append(hits / len(labels))
    confusion = np.zeros((10, 10), int)
    for guess, label in zip(predicted, labels):
        confusion[label][guess] += 1
    return shares[0], shares[1], confusion


def softmax(a):
    result = np.zeros(a.shape)
    for s in range(a.shape[1]):
        largest = max(a[:, s])
        powers = [math.exp(value - largest) for value in a[:, s]]
        result[:, s] = np.array(powers) / sum(powers)
    return result


def cross_entropy(y, d):
    loss = 0.0
    for output, target in zip(y.flat, d.flat):
        if target > 0:
            loss -= target * math.log(output)
    return loss


def relu(a):
    result = np.array(a, float)
    for place, value in np.ndenumerate(a):
        if value < 0:
            result[place] = 0
    return result


def d_relu(a):
    return np.array([[1.0 if value > 0 else 0.0 for value in row] for row in a])


class Layers:
    """Sigmoids everywhere, and the squared error."""

    def __init__(self, n_in, hidden, n_out):
        self.sizes = (n_in,) + tuple(hidden) + (n_out,)
        for number in range(1, len(self.sizes)):
            self.__dict__["W%d" % number] = np.random.uniform(
                -1, 1, (self.sizes[number], self.sizes[number - 1])
            )
            self.__dict__["b%d" % number] = np.zeros((self.sizes[number], 1))

    def forward(self, X):
        self.h = {0: X}
        for number in range(1, len(self.sizes)):
            W, b = self.__dict__["W%d" % number], self.__dict__["b%d" % number]
            a = np.einsum("ui,is->us", W, self.h[number - 1]) + b
            self.h[number] = sigmoid(a)
        return self.h[number]

    def backward(self, X, y, d):
        gradients = []
        back = y - d
        for number in range(len(self.sizes) - 1, 0, -1):
            h = self.h[number]
            delta = back * h * (1 - h)
            d_b = np.einsum("us->u", delta)[:, None]
            gradients[:0] = [np.einsum("us,is->ui", delta, self.h[number - 1]), d_b]
            back = np.einsum("ui,us->is", self.__dict__["W%d" % number], delta)
        return tuple(gradients)


several_layers = Layers
