"""The study of batch sizes that the Study tab opens with: the exercise's network, trained beforehand.

The file is made by ``python tests/benchmarks/batch_size.py --record``.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from explorer.figures.studies import StudyPoint

__all__ = ["FILE", "load_points", "save_points"]

FILE = Path(__file__).with_suffix(".json")
"""The recording of the package."""


def load_points(path: Path = FILE) -> tuple[StudyPoint, ...]:
    """Return the runs of a recorded study, one point each."""
    return tuple(StudyPoint(**point) for point in json.loads(path.read_text(encoding="utf-8")))


def save_points(points: Sequence[StudyPoint], path: Path = FILE) -> None:
    """Write the runs of a study, one on each line, in the order of their settings."""
    ordered = sorted(points, key=lambda point: (point.reduction, point.batch_size, point.seed))
    lines = ",\n".join(json.dumps(asdict(point)) for point in ordered)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
