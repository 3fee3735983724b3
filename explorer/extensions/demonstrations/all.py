"""The eighteen demonstrations, in the order of the page."""

from importlib import import_module

from explorer.experiments import Demonstration

_FILES = (
    "fgsm", "fooling", "distillation", "swapped", "double_descent", "averages", "sharpness", "lottery", "nonsense",
    "feedback", "forgetting", "grokking", "landscape", "straight_line", "rate_finder", "noise_scale",
    "temperature", "random_features",
)  # fmt: skip

DEMONSTRATIONS: tuple[Demonstration, ...] = tuple(
    import_module(f"explorer.extensions.demonstrations.{name}").DEMONSTRATION for name in _FILES
)
