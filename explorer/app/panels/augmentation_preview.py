"""A few training images as they are, and as the next run will distort them."""

import numpy as np

from explorer.app.view_state import ViewState
from explorer.app.views import Views
from explorer.datasets.augmentation import distort
from explorer.figures.digits import sprite
from explorer.training import FIELDS, TrainingConfig
from explorer.widgets.picture_rows import PictureRow, PictureRows, RowPicture
from explorer.widgets.rendered import Display

__all__ = ["AugmentationPreview"]

_N_IMAGES = 8


class AugmentationPreview:
    """Eight images before and after, with the settings of the next run; nothing while these distort none.

    Other settings change the same images by other amounts; its button draws again.
    """

    def __init__(self, views: Views) -> None:
        self._views, self._draw_number = views, 0
        self._drawn: tuple[object, ...] = ()
        self.view = Display(PictureRows())
        self.view.on_press(views.on_loop(self._draw_again))

    def show(self, state: ViewState) -> None:
        """Show what the settings do."""
        wanted = (state.dataset, state.config.augmentation, self._draw_number, state.theme)
        if wanted != self._drawn:
            self._drawn = wanted
            self.view.show(self._rows(state) if state.config.augmentation.is_on else PictureRows())

    def _rows(self, state: ViewState) -> PictureRows:
        rng, images = np.random.default_rng(self._draw_number), state.dataset.train_images
        chosen = rng.choice(len(images), min(_N_IMAGES, len(images)), replace=False)
        before = images[chosen]
        after = distort(before, state.config.augmentation, rng)
        rows = [
            PictureRow(name, [RowPicture(f"training image {index}, {name}") for index in chosen.tolist()])
            for name in ("as they are", "distorted")
        ]
        return PictureRows(
            "Training images as the next run sees them",
            rows,
            sprite(np.concatenate([before, after]), len(chosen), theme=state.theme),
            len(chosen),
            note=f"Each epoch draws again, for every image: {_amounts(state.config)}.",
            offer="Draw again",
        )

    def _draw_again(self, _press: str) -> None:
        self._draw_number += 1
        self.show(self._views.state)


def _amounts(config: TrainingConfig) -> str:
    """Return the largest amounts: ``"shift up to 2 pixels, elastic distortion of about 1.4 pixels"``."""
    up_to = {
        name: f"{FIELDS[name].label.lower()} up to {config.text(name)} {FIELDS[name].unit}".rstrip()
        for name in ("shift", "rotation", "scale", "elastic")
        if getattr(config, name)
    }
    return ", ".join(up_to.values()).replace("elastic distortion up to", "elastic distortion of about")
