"""The choice of the data set that the network learns."""

from collections.abc import Iterable

from explorer.datasets import Dataset, DatasetError
from explorer.datasets.loading import DatasetOffer
from explorer.session import Session
from explorer.widgets.messages import Message, Messages
from explorer.wording import counted, did_you_mean, grouped


class DataChoice:
    """The data sets that an app offers.

    Raises
    ------
    ValueError
        If two have the same name.
    """

    def __init__(
        self, session: Session, others: Iterable[Dataset | DatasetOffer], messages: Messages
    ) -> None:
        self._session, self._messages = session, messages
        self._loaded = {session.dataset.name: session.dataset}
        self._offers: dict[str, DatasetOffer] = {}
        for one in (session.dataset, *others):
            offer = DatasetOffer.of(one) if isinstance(one, Dataset) else one
            if offer.name.casefold() in map(str.casefold, self._offers):
                raise ValueError(f"two data sets are called {offer.name!r}; expected a name for each")
            self._offers[offer.name] = offer

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the data sets; the one that the page opens with comes first."""
        return tuple(self._offers)

    @property
    def chosen(self) -> str:
        """Name of the data set in use."""
        return self._session.dataset.name

    def choose(self, name: str) -> None:
        """Switch to another data set and keep the settings; if it can't be read, a message says so.

        Raises
        ------
        ValueError
            If no data set has this name.
        """
        self._checked(name)
        self._session.loop.call(self._choose, name)

    def _choose(self, name: str) -> None:
        try:
            dataset = self.load(name)
        except DatasetError as error:
            why = f"{self.chosen} stays, and so does the run."
            self._messages.show(Message("data", "error", unreadable(name, error), why))
            return
        self._messages.dismiss("data")
        if dataset is not self._session.dataset:
            self._session.use(dataset)
            if self._session.auto_train:
                self._session.train()

    def load(self, name: str) -> Dataset:
        """Load and return a data set by name, without switching to it.

        Raises
        ------
        DatasetError
            If it can't be read.
        ValueError
            If no data set has this name.
        """
        offer = self._checked(name)
        if name not in self._loaded:
            self._loaded[name] = offer.load()
        return self._loaded[name]

    def _checked(self, name: str) -> DatasetOffer:
        if name not in self._offers:
            raise ValueError(f"no data set is called {name!r}{did_you_mean(name, self._offers)}")
        return self._offers[name]


def unreadable(name: str, error: DatasetError) -> str:
    """Return the message for a data set that can't be read."""
    return f"{name} can't be read. {error}"


def described(dataset: Dataset) -> str:
    """Return a data set's short description: ``"MNIST · 60 000 train, 10 000 test images"``."""
    n_train, n_test = grouped(len(dataset.train_labels)), counted(len(dataset.test_labels), "test image")
    return f"{dataset.name} · {n_train} train, {n_test}"
