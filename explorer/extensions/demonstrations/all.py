"""The eighteen demonstrations, in the order of the page."""

from explorer.experiments import Demonstration
from explorer.extensions.demonstrations import (
    attacks,
    dynamics,
    labels,
    lottery,
    random_parts,
    settings,
    soft_answers,
    weight_space,
)

DEMONSTRATIONS: tuple[Demonstration, ...] = (
    attacks.fast_gradient_sign, attacks.fooling, soft_answers.distillation, labels.swapped,
    random_parts.double_descent, weight_space.averages, dynamics.edge_of_stability, lottery.ticket,
    labels.nonsense, random_parts.feedback_alignment, dynamics.forgetting, dynamics.grokking,
    weight_space.landscape, weight_space.straight_line, settings.rate_finder, settings.batch_size,
    soft_answers.temperature, random_parts.untrained_layer,
)  # fmt: skip
