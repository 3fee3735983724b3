"""The user's labeled drawings, as each network reads them."""

from collections.abc import Callable

import numpy as np

from explorer.app.layout import box
from explorer.app.panels.confusion import read_images
from explorer.app.redrawing import Pace
from explorer.app.views import Drawing, Views, ViewState
from explorer.datasets.dataset import pixel_columns
from explorer.figures.digits import sprite
from explorer.widgets.gallery import Gallery
from explorer.widgets.page_part import set_hidden
from explorer.wording import percent

_MOST = 40  # drawings kept: a pass over this many takes about a millisecond
_SECONDS_BETWEEN = 1.0


class Drawings:
    """A strip of labeled drawings, newest first; `on_open` is called with the ink of one that is opened."""

    def __init__(self, views: Views, on_open: Callable[[bytes], object]) -> None:
        self.gallery = Gallery(views.dataset.class_names)
        self.gallery.on_open("Press to put it on the pad again", views.on_loop(self._open))
        self.view = box("explorer-network-drawings explorer-hidden", self.gallery)
        self._views, self._on_open = views, on_open
        self.kept: dict[bytes, Drawing] = {}
        """The drawings, by the pad's ink."""
        self._pace = Pace(_SECONDS_BETWEEN)

    def keep(self, ink: bytes, drawing: Drawing) -> None:
        """Keep a drawing with its label; without a label, remove it."""
        others = {other: kept for other, kept in self.kept.items() if other != ink}
        self.kept = others if drawing.true is None else dict([(ink, drawing), *others.items()][:_MOST])
        self.show(self._views.state)

    def show(self, state: ViewState) -> None:
        """Read the drawings with the selected epoch's network; during training, once a second."""
        inspected, kept = self._views.networks.of(state), (*self.kept.values(),)
        if inspected is None or not self._pace.is_due(state, inspected, kept, state.theme):
            return
        set_hidden(self.view, not kept)
        if not kept:
            return
        images, names = np.stack([one.image for one in kept]), self._views.dataset.class_names
        with inspected.network() as network, np.errstate(all="ignore"):
            pixels = np.array(pixel_columns(images))  # a user's class may write there
            outputs = np.array(network.forward(pixels))
        sources = {at: f"your drawing {len(kept) - at}" for at in range(len(kept))}
        labels = [one.true for one in kept if one.true is not None]
        read = read_images(outputs, labels, inspected.run.config, names, sources)
        n, right = len(read), sum(one.right for one in read)
        tally = f"{right} of your {n} drawings read correctly ({percent(right / n, 0)})"
        if n == 1:
            tally = f"Your drawing, read {'correctly' if right else 'as something else'}"
        self.gallery.show(tally, read, sprite(images, n, theme=state.theme), columns=n)

    def _open(self, place: int) -> None:
        if 0 <= place < len(self.kept):
            self._on_open([*self.kept][place])
