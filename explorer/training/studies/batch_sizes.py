"""The exercise's own question: what a very small batch does, and a very large one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from explorer.network import OPTIMIZERS
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.studies.configs import grid

__all__ = ["BATCH_SIZES", "SAME_STEP", "batch_size_grid", "batch_size_rates"]

BATCH_SIZES = (1, 8, 32, 128, 512, 2048, 8192, 60_000)
"""The batch sizes of the batch-size question."""

SAME_STEP = 300
"""Images of a batch from which both reductions take the same step in the batch-size question."""


def batch_size_grid(
    config: TrainingConfig | None = None,
    *,
    batch_sizes: Iterable[int] = BATCH_SIZES,
    seeds: Iterable[int] = (0, 1, 2),
) -> tuple[TrainingConfig, ...]:
    """Return the configs of the question what the batch size does, once by sum and once by mean, for each seed.

    By sum a larger batch takes a larger step, by mean the same: at one learning rate a large batch then fails for
    opposite reasons. The two rates are those of `batch_size_rates`; the other settings stay, by default the
    exercise's.
    """
    config = config or TrainingConfig()
    varied = {"batch_size": tuple(batch_sizes), "seed": tuple(seeds)}
    return tuple(
        run
        for reduction, rate in batch_size_rates(config).items()
        for run in grid(config.replace(reduction=reduction, learning_rate=rate), **varied)
    )


def batch_size_rates(config: TrainingConfig) -> Mapping[str, float]:
    """Return the learning rate of each reduction in the batch-size question, by ``"sum"`` and ``"mean"``.

    The config's rate is that of its own reduction. The other one's is such that both take the same step on
    `SAME_STEP` images, or as close to it as the range of learning rates allows. RMSProp and Adam take the mean in
    any case: with them there is one rate.
    """
    if OPTIMIZERS[config.optimizer].is_scale_free:
        return {config.reduction: config.learning_rate}
    by_sum = config.learning_rate / (1 if config.reduction == "sum" else SAME_STEP)
    rates = {"sum": by_sum, "mean": by_sum * SAME_STEP} | {config.reduction: config.learning_rate}
    return {name: float(FIELDS["learning_rate"].clamp(f"{rate:.10g}")) for name, rate in rates.items()}
