"""The eighteen demonstrations, in the order of the page."""

from explorer.experiments import Demonstration
from explorer.extensions.demonstrations import (
    attacks,
    dynamics,
    labels,
    random_parts,
    settings,
    soft_answers,
    weights,
)

DEMONSTRATIONS: tuple[Demonstration, ...] = (
    attacks.fast_gradient_sign, attacks.fooling, soft_answers.distillation, labels.swapped,
    random_parts.double_descent, weights.averages, dynamics.edge_of_stability, weights.lottery_ticket,
    labels.nonsense, random_parts.feedback_alignment, dynamics.forgetting, dynamics.grokking,
    weights.landscape, weights.straight_line, settings.rate_finder, settings.batch_size,
    soft_answers.temperature, random_parts.untrained_layer,
)  # fmt: skip
