"""Methods beyond the exercise: each class changes one formula of `Network`, and nothing while its settings are 0.

They combine: ``class Mine(Dropout, Penalties, Network): dropout, l2 = 0.5, 0.001``. `NeuralNetwork` has them all.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .network import Array, Network
from .optimizers import OPTIMIZERS
from .regularization import d_penalty, dropout_mask, limit_norms, penalty


class Penalties(Network):
    """Adds penalties on large weights to the loss of each sample: L ← L + ½ λ₂ Σ W² + λ₁ Σ |W|."""

    optimizer, l2, l1 = "sgd", 0.0, 0.0

    @property
    def penalties(self) -> tuple[float, float]:
        """The penalties λ₂ and λ₁ in the loss; with AdamW λ₂ is 0, as the weights decay in each step instead."""
        return 0.0 if OPTIMIZERS[self.optimizer].decays_weights else self.l2, self.l1

    @property
    def penalty(self) -> float:
        """The penalty in the loss of each sample."""
        l2, l1 = self.penalties
        return sum((penalty(W, l2, l1) for W in self.W), 0.0)

    def total_loss(self, y: Array, d: Array) -> float:
        """Return the loss of outputs `y` for desired outputs `d`, both (n_output, n), with n penalties."""
        return self.compute_loss(y, d) + y.shape[1] * self.penalty

    def backward(self, X: Array, y: Array, d: Array) -> tuple[Array, ...]:
        """Return the gradient of `total_loss`: ∂L/∂W ← ∂L/∂W + n (λ₂ W + λ₁ sign W)."""
        gradient, (l2, l1) = super().backward(X, y, d), self.penalties
        for W, d_W in zip(self.W, gradient[::2]) if l2 or l1 else ():
            d_W += y.shape[1] * d_penalty(W, l2, l1)  # (n_out, n_in)
        return gradient

    def train_iteration(self, X: Array, d: Array, lr: float = 0.01) -> float:
        """Train on one mini-batch, and return `total_loss` before the step."""
        before = X.shape[1] * self.penalty if any(self.penalties) else 0.0
        return super().train_iteration(X, d, lr) + before


class Dropout(Network):
    """In a step the activation of unit j is m_j f(a_j), its slope m_j f′(a_j); m_j is 0 or 1 / (1 − p), at random.

    Inputs are dropped likewise (Srivastava et al. 2014). See `explorer.network.regularization`.
    """

    dropout = input_dropout = 0.0

    def draw_masks(self, n: int) -> list[Any]:
        """Return the masks (n_units, n) of the inputs and of each hidden layer; 1 without dropout."""
        rates = [self.input_dropout] + [self.dropout] * (len(self.layer_sizes) - 2)
        return [dropout_mask(self.rng, p, size, n) if p else 1 for p, size in zip(rates, self.layer_sizes)]

    def masked(self, masks: Sequence[Any]) -> list[Any]:
        """Return the activation of each layer, multiplied by the mask in hidden layers."""
        return [f.times(m) for f, m in zip(self.f, masks)] + self.f[-1:]

    def train_iteration(self, X: Array, d: Array, lr: float = 0.01) -> float:
        """Train on one mini-batch with new masks, and return the loss before the step."""
        if not (self.dropout or self.input_dropout):
            return super().train_iteration(X, d, lr)
        f, (of_inputs, *masks) = self.f, self.draw_masks(X.shape[1])
        self.f = self.masked(masks)
        try:
            return super().train_iteration(X * of_inputs, d, lr)
        finally:
            self.f = f


class Optimization(Network):
    """A step is θ ← θ − change, computed by an optimizer from the gradients so far, plus η λ₂ W with AdamW.

    Max-norm (Srivastava et al. 2014) then limits the length of each hidden unit's weights.
    """

    optimizer, l2, max_norm = "sgd", 0.0, 0.0

    def init_weights(self) -> None:
        """Draw new weights, and reset the optimizer."""
        super().init_weights()
        n_memories = OPTIMIZERS[self.optimizer].n_memories
        self.n_steps, self.memory = 0, [(np.zeros_like(theta),) * n_memories for theta in self.parameters]

    def step(self, gradient: Sequence[Array], lr: float, n: int) -> None:
        """Change each parameter: θ ← θ − change."""
        optimizer, self.n_steps, changes = OPTIMIZERS[self.optimizer], self.n_steps + 1, []
        for i, (theta, g) in enumerate(zip(self.parameters, gradient)):
            g = g / n if optimizer.is_scale_free else g  # the mean, or the sum
            change, self.memory[i] = optimizer.change(g, lr, self.n_steps, *self.memory[i])
            is_decaying = optimizer.decays_weights and i % 2 == 0  # weights, not biases
            changes.append(change + lr * self.l2 * theta if is_decaying else change)
        super().step(tuple(changes), 1.0, n)
        for W in self.W[:-1] if self.max_norm else ():
            W[:] = limit_norms(W, self.max_norm)  # (n_out, n_in)


class Schedule(Network):
    """The learning rate of a step on n samples is η(t, n), after t epochs: see `explorer.network.schedules`."""

    def rate(self, lr: Any, t: float, n: int) -> float:
        """Return ``lr(t, n)``, or `lr` itself if it is a number."""
        return lr(t, n) if callable(lr) else lr
