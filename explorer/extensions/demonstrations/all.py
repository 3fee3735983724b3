"""The eighteen demonstrations, in the order of the page."""

from explorer.experiments import Demonstration
from explorer.extensions.demonstrations import attacks, dynamics, labels, random_parts, weights

DEMONSTRATIONS: tuple[Demonstration, ...] = (
    attacks.fast_gradient_sign, attacks.fooling, labels.distillation, labels.swapped,
    random_parts.double_descent, weights.averages, dynamics.edge_of_stability, weights.lottery_ticket,
    labels.nonsense, random_parts.feedback_alignment, dynamics.forgetting, dynamics.grokking,
    weights.landscape, weights.straight_line, dynamics.rate_finder, dynamics.batch_size,
    labels.temperature, random_parts.untrained_layer,
)  # fmt: skip
