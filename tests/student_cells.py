"""Notebook cells as students write them."""

# Each has a class `Net` with a method ``train(X, d)``:
STUDENTS = {
    "attributes": """
class Net:
    def __init__(self):
        rng = np.random.default_rng(0)
        self.W1, self.b1 = rng.normal(size=(4, 6)), np.zeros((4, 1))
        self.W2, self.b2 = rng.normal(size=(3, 4)), np.zeros((3, 1))
    def forward(self, X):
        self.a1 = self.W1 @ X + self.b1
        self.h1 = 1 / (1 + np.exp(-self.a1))
        self.a2 = self.W2 @ self.h1 + self.b2
        return 1 / (1 + np.exp(-self.a2))
    def train(self, X, d, lr=0.1):
        y = self.forward(X)
        delta2 = (y - d) * y * (1 - y)
        delta1 = (self.W2.T @ delta2) * self.h1 * (1 - self.h1)
        self.W2 -= lr * delta2 @ self.h1.T; self.b2 -= lr * delta2.sum(axis=1, keepdims=True)
        self.W1 = self.W1 - lr * delta1 @ X.T
        self.b1[:] = self.b1 - lr * np.sum(delta1, axis=1).reshape(-1, 1)
        return f"{np.sum((y - d) ** 2) / 2:.3f}", self.W1, self.b1, self.W2
""",
    "lists and lambdas": """
ACTIVATIONS = {"relu": (lambda a: np.maximum(a, 0), lambda a: a > 0), "same": (lambda a: a, lambda a: 1 + 0 * a)}
class Net:
    def __init__(self, *sizes, f=("relu", "same")):
        sizes, rng = sizes or (6, 4, 3), np.random.default_rng(1)
        self.W = [rng.normal(size=pair[::-1]) for pair in zip(sizes, sizes[1:])]
        self.f = [ACTIVATIONS[name] for name in f]
    def train(self, X, d):
        h, a = [X], []
        for W, (f, _) in zip(self.W, self.f):
            a += [W @ h[-1]]
            h.append(f(a[-1]))
        delta, gradients = h[-1] - d, []
        for i in range(len(self.W) - 1, -1, -1):
            delta = delta * self.f[i][1](a[i])
            gradients.insert(0, delta @ h[i].T)
            delta = self.W[i].T @ delta
        self.W = list(map(lambda pair: pair[0] - 0.01 * pair[1], zip(self.W, gradients)))
        return sorted(self.W, key=lambda W: W.size), max(gradients, key=lambda g: np.abs(g).sum())
""",
    "dict of parameters": """
class Net:
    def __init__(self):
        self.p = {f"W{i}": np.full((n, m), 0.1 * i) for i, n, m in ((1, 4, 6), (2, 3, 4))}
    def layer(self, name, /, h, *, slope=1.0, **rest):
        return slope * np.tanh(self.p[name] @ h + rest.get("shift", 0))
    def train(self, X, d, *more, lr=0.1, **options):
        if (y := self.layer("W2", hidden := self.layer("W1", X, shift=0.5), slope=2.0)).shape != d.shape:
            raise ValueError
        grads = {k: g for k, g in (("W1", self.p["W2"].T @ (y - d) @ X.T), ("W2", (y - d) @ hidden.T))}
        for (k, g), *_ in zip(grads.items()):
            self.p[k] -= lr * g
        return [*self.p.values()], {*more}, {**options}, 0 < y.mean() < 1, y if y.any() else None
""",
    "dataclass": """
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
@dataclass
class Net:
    n: int = 3
    W: np.ndarray = field(default_factory=lambda: np.ones((3, 6)) / 7)
    @property
    def scaled(self): return self.W / self.n
    @scaled.setter
    def scaled(self, value): self.W = value * self.n
    @cached_property
    def norm(self): return np.linalg.norm(self.W)
    @staticmethod
    def softmax(a): return np.exp(a) / np.exp(a).sum(0)
    @classmethod
    def make(cls, W): return cls(W=W)
    def train(self, X, d):
        other = type(self).make(self.W + 1)
        self.scaled = self.scaled - 0.1 * (self.softmax(self.W @ X) - d) @ X.T
        self.scaled /= 2
        return self.W, other.scaled, self.norm, power(3), power(3)
@lru_cache
def power(n): return 2.0 ** n
""",
    "inheritance": """
class Base:
    __scale = 0.5
    def __init__(self, W): self.__W = W
    def forward(self, X): self.__a = self.__W @ X; return self.__scale * self.__a
    def step(self, __g): self.__W -= __g; return self.__W
class Mixin:
    def forward(self, X): return super().forward(X) + 1
class Net(Mixin, Base):
    def __init__(self): super().__init__(np.ones((3, 6)))
    def forward(self, X):
        def inner(): return __class__.__name__, super(Net, self).forward(X)
        return inner()[1] + super().forward(X)
    def train(self, X, d):
        return self.step(0.1 * (self.forward(X) - d) @ X.T), self.__dict__
""",
    "closures": """
def layer(W, f):
    '''A layer.'''
    calls = 0
    def forward(X, *, out=None):
        '''Doc.'''
        nonlocal calls
        calls += 1
        return np.matmul(W, f(X) if callable(f) else X, out=out)
    return lambda *a, **k: (forward(*a, **k), calls, forward.__doc__)
class Net:
    def train(self, X, d):
        first, second = layer(np.ones((4, 6)), np.tanh), layer(np.ones((3, 4)), f=lambda a: a ** 2)
        out = np.empty((4, X.shape[1]))
        first(X); first(X, out=out)
        (lambda f: f)(second)(out)
        return second(first(out=out, X=X)[0]), out, locals()["out"] is out, [(lambda k=k: k)() for k in range(3)]
""",
    "control flow": """
from contextlib import contextmanager
@contextmanager
def scaled(x):
    x *= 2
    try: yield x
    finally: x /= 2
def batches(n, size):
    start = 0
    while start < n:
        got = yield slice(start, start + size)
        start += got or size
    else:
        yield from ()
class Net:
    def train(self, X, d):
        found, tried = [], 0
        for part in batches(X.shape[1], 2):
            with scaled(X) as Y, np.errstate(all="ignore"):
                found.append(Y[:, part].sum())
        for kind in ("sum", {"axis": 0}, [1, 2, 3], 7, None):
            match kind:
                case "sum": found.append(X.sum())
                case {"axis": axis} if axis == 0: found.append(X.sum(axis))
                case [first, *_]: found.append(first)
                case int(n) | float(n): continue
                case _: break
        else:
            found.append("never")
        while True:
            try:
                tried += 1
                if tried == 2: raise KeyError(tried)
                if tried == 4: return found, tried, sum(x for x in batches(9, 4) if 0) or total(batches(9, 4))
                1 / (tried - 1)
            except ZeroDivisionError: pass
            except (KeyError, IndexError) as error: found.append(error.args)
            else: found.append(tried)
            finally: found.append("finally")
def total(slices): return sum(s.start for s in slices)
""",
    "views": """
class Net:
    def __init__(self):
        self.theta = np.random.default_rng(2).normal(size=42)[::2][:21]
        self.W, self.b = self.theta[:18].reshape(3, 6), self.theta[18:, None]
    def train(self, X, d):
        h = self.W @ X + self.b
        h[h < 0] = 0
        h[0, 1:][::-1] += 1
        gradient = np.zeros_like(self.theta)
        np.add.at(gradient, [0, 0, 1, -1], 0.5)
        gradient[:18] += ((h - d) @ X.T).ravel(); gradient[-3:] = (h - d).sum(1)
        np.subtract(self.theta, gradient, out=self.theta)
        self.theta *= -1
        return self.W, self.b, h
""",
    "callable layers": """
class Layer:
    __slots__ = "W", "_next", "rest"
    def __init__(self, W, next_=None): self.W, self._next, self.rest = W, next_, {}
    def __call__(self, X): return self._next(np.tanh(self.W @ X)) if self._next else self.W @ X
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return self.rest[name.upper()]
    def __getitem__(self, i): return self.W[i]
    def depth(self): return 1 + (self._next.depth() if self._next else 0)
class Net:
    def __init__(self): self.layers = Layer(np.ones((4, 6)), Layer(np.ones((3, 4))))
    def train(self, X, d):
        layers = self.layers
        layers.rest["A"], layers.rest["B"] = X, d
        return layers(layers.a), layers.b, layers.depth(), layers[0], -layers[1][::2], self.fact(9)
    def fact(self, n): return n * self.fact(n - 1) if n else 1
""",
    "odd targets": """
calls = 0
class OnlySet:
    def weights(self, value): self.w = value * 2
    weights = property(None, weights)
class Net(OnlySet):
    def train(self, X, d):
        global calls
        calls += 1
        self.weights = a = b = X + calls
        first, *middle, (second, self.third) = [*a, (1, 2)]
        i, a[i := 1], a[[0, 2]], a[a > 1.5], a[-1:] = 0, 3, 4, 5, 6
        x: float = 1.5
        y: int
        del first, a
        assert x, "never"
        for self.last in range(3): i += self.last
        for b[i % 2, 0] in (7, 8): pass
        return self.w, b, middle, second, self.third, calls, i, self.last, (yield_ := [x for x in b[0] if x > 1])
""",
}

LOCKED = """
from threading import Lock
lock = Lock()
class A:
    def __init__(self): self.lock = lock
    def go(self, x): pass
a = A()
"""

CALLABLES = """
from functools import cache, lru_cache, partial, wraps
from dataclasses import dataclass
def logged(f):
    @wraps(f)
    def inner(*args):
        return f(*args)
    return inner
def tagged(cls):
    cls.tag = 1
    return cls
def f(x): return x + 1
@tagged
@dataclass
class A:
    y: int = 2
    def __post_init__(self): self.y = f(self.y)
    def __call__(self, x): return x + 1
    def bound(self, x): return f(x)
    @classmethod
    def of_class(cls, x): return f(x)
    @staticmethod
    def static(x): return f(x)
    @logged
    @lru_cache
    def logged(self, x): return f(x)
    def __hash__(self): return 1
l = lambda x: x + 1
cached, wrapped, part = cache(f), logged(logged(f)), partial(partial(f), x=4)
"""

ENDLESS = {
    "except Exception": "while g(n):\n    try:\n        n += 1\n    except Exception:\n        pass\n",
    "bare": "while True:\n    try:\n        while True: n += 1\n    except:\n        ...\n",
    "finally": "for _ in iter(int, 1):\n    try: n += 1\n    finally: continue\n",
    "recursion": "try:\n    f(n)\nexcept BaseException: f(n)\n",
    "generator": "while True:\n    yield n\n",
    "empty": "while True: pass\n",
    "generator that is left": "return (n for _ in iter(int, 1))\n",
    "caught and returned": "try:\n    while True: n += 1\nexcept: ...\nreturn n\n",
}

RAISES = {
    "matrix": ("    return W @ X.T\n", ValueError, "`@` on W (3, 6) and X.T (5, 6): 6 is not 5"),
    "nested": ("    for i in range(9):\n        y = (lambda a: a + d[:, :2])(X)\n", ValueError, ""),
    "product": ("    return W * (1 - d)\n", ValueError, "`*` on W (3, 6) and 1 - d (3, 5): 6 is not 5"),
    "recursion": ("    return f(W, X, d)\n", RecursionError, ""),
    "exit": ("    raise SystemExit(3)\n", SystemExit, ""),
    "cleanup": (
        "    try:\n        W @ d.T\n    finally:\n        n = 1\n",
        ValueError,
        "`@` on W (3, 6) and d.T (5, 3): 6 is not 5",
    ),
}
