"""The controls of a session: settings, run buttons, the choice of data set, and advice with its buttons."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from explorer.datasets import Dataset, DatasetError
from explorer.datasets.loading import DatasetOffer, sent_dataset
from explorer.datasets.plane import KINDS, Plane, dataset_of
from explorer.discovery import ExtensionError
from explorer.figures.curves import step_in_words
from explorer.foreign_files import printable
from explorer.network import most_confused
from explorer.session import Advice, ForkError, Session, SessionRun, SessionState
from explorer.training import OwnNetworkError, TrainingConfig
from explorer.training.event_loop import log_fault
from explorer.training.presets import opening_config, usual_config
from explorer.widgets.header import Header, Message, Messages
from explorer.widgets.run_bar import RunBar, RunProgress
from explorer.widgets.settings_panel import SettingsPanel
from explorer.wording import counted, did_you_mean, grouped, percent, with_noun

_GUESSED = "Guessed: "
_LONGEST_GUESS = 120
_CHANGEABLE = ("learning_rate", "batch_size")  # during a run


class SettingsPart:
    """The settings of a session's next run, or only those that `shown` names."""

    def __init__(self, session: Session, shown: Sequence[str] | None = None) -> None:
        self._dataset: Dataset | None = None
        on_loop = session.loop.bind
        own = None if session.own is None else session.own.settings
        self.view = SettingsPanel(session.config, shown=shown or own)
        self.view.on_change(on_loop(session.apply_changes))
        self.view.on_clean(on_loop(lambda new: session.apply(new, clean=True, at_once=new == session.config)))
        for name in _CHANGEABLE:
            self.view[name].on_change_now(on_loop(lambda value, name=name: session.change(**{name: value})))

    def show(self, state: SessionState) -> None:
        """Show the current settings, and the initial weights of the next run."""
        if state.dataset is not self._dataset:
            self._dataset = data = state.dataset
            self.view.fit_to(len(data.train_labels), data.n_classes, data.noun, data.n_inputs)
        self.view.show(state.config, state.start)
        run = state.run
        now = (None, None) if run is None or not run.can_be_changed else run.now
        for name, value in zip(_CHANGEABLE, now, strict=True):
            self.view[name].now = value


class RunBarPart:
    """The buttons of a session's run, and its progress."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.view = RunBar(auto=session.auto_train)
        self.view.on_action(session.loop.bind(self._on_action))
        self.view.observe(session.loop.bind(lambda _: setattr(session, "auto_train", self.view.auto)), "auto")

    def _on_action(self, action: str) -> None:
        """Perform an action; a run that begins has the guess as its note."""
        verb, _, unit = action.partition("_")
        if verb != "train":
            getattr(self._session, verb)(*filter(None, [unit]))
            return
        self._session.restart()
        run, guess = self._session.state.run, self.view.guess[:_LONGEST_GUESS]
        if guess and run is not None and not self._session.auto_train:
            self._session.edit(run.number, note=_GUESSED + guess)
            self.view.guess = ""

    def show(self, _state: SessionState) -> None:
        """Show the run's state, not that of a previous one that views may still show."""
        state, run = self._session.state, self._session.state.run
        classes = [*state.dataset.class_names]
        if run is None:
            progress = RunProgress("idle", 0.0, state.config.epochs)
            self.view.show(progress, trains="Train", resumes="", note="", classes=classes)
            return
        epochs = 0 if run.status in ("running", "paused") else state.reach()
        resumes = counted(epochs - run.epochs_done, "more epoch") if epochs else ""
        if run.status == "stopped" and run.history.batches and epochs:
            resumes = "Resume"
        estimates = [one.seconds_left for one in (run, *state.racing)]  # they take turns
        seconds_left = sum(filter(None, estimates)) if any(estimates) else None
        self.view.show(
            RunProgress(
                state.status,
                run.epoch,
                run.config.epochs,
                seconds_left,
                run.position if state.status == "paused" else None,
                run.queue_position,
                is_early=run.history.is_stopped_early,
                restored=run.history.restored is not None,
            ),
            resumes=resumes,
            trains="Train" if state.waits or run.status == "idle" else "Train again",
            note=step_in_words(run.stepped, run.dataset.noun) if run.stepped else _outcome(run),
            classes=classes,
        )


def _outcome(run: SessionRun) -> str:
    """Return what has become of the guess that is noted with an ended run; empty if there is none."""
    guess = run.note.partition("\n")[0]
    if run.status not in ("finished", "stopped") or run.newest is None or not guess.startswith(_GUESSED):
        return ""
    confusion, names = run.newest.confusion, run.dataset.class_names
    pairs = [f"{names[pair.true]} → {names[pair.predicted]}" for pair in most_confused(confusion, 1)]
    return f"{guess} · Outcome: {', '.join([percent(run.newest.record.test_accuracy), *pairs])}"


class AdvicePart:
    """A session's advice, as messages whose buttons follow it."""

    def __init__(self, session: Session, messages: Messages, settings: SettingsPanel) -> None:
        self._session, self._messages, self._settings = session, messages, settings
        settings.on_answer(session.loop.bind(self.show))
        self._advice: dict[str, Advice] = {}
        self._number = 0  # of the last run seen
        messages.on_action(session.loop.bind(self._on_action))
        session.subscribe(self.show)

    def show(self, _state: SessionState | None = None) -> None:
        """Show the advice; that on settings only once the answer to an experiment's question is open."""
        run = self._session.state.run
        if (number := 0 if run is None else run.number) != self._number:  # the messages are about another run
            self._number, self._advice = number, {}
            self._messages.clear()
        advised = (one for one in self._session.advice if one.config is None or not self._settings.holds_back)
        before, self._advice = self._advice, {advice.id: advice for advice in advised}
        self._messages.dismiss(*(before.keys() - self._advice.keys()))
        worded = partial(with_noun, noun=self._session.dataset.noun)
        shown = [(one, worded(one.text), worded(one.why)) for one in self._advice.values()]
        self._messages.remind(*(Message(one.id, one.kind, text, why, one.action) for one, text, why in shown))

    def show_error(self, error: Exception) -> None:
        """Show an error to the user."""
        if isinstance(error, ForkError):
            message = Message("fork", "warning", *error.args)
        elif isinstance(error, OwnNetworkError):
            message = Message("fault", "error", f"{error}.", "All runs so far are kept.")
        else:
            log_fault(error)
            text = f"Something went wrong: {type(error).__name__}: {error}"
            message = Message("fault", "error", text, "The run so far is kept. The log has details.")
        self._messages.show(message)

    def _on_action(self, name: str) -> None:
        if name in self._advice:
            self._session.follow(self._advice[name])


class DataChoice:
    """The data sets that an app offers in its header; raises `ValueError` if two have the same name."""

    def __init__(
        self, session: Session, others: Iterable[Dataset | DatasetOffer], messages: Messages, header: Header
    ) -> None:
        self._session, self._messages, self._header = session, messages, header
        self._left = dict[TrainingConfig, TrainingConfig]()  # by the settings that a kind begins with
        self._offers: dict[str, Dataset | DatasetOffer] = {}
        for one in (session.dataset, *others):
            if one.name.casefold() in map(str.casefold, self._offers):
                raise ValueError(f"two data sets are called {one.name!r}; expected a name for each")
            self._offers[one.name] = one
        self._offer(session.dataset)
        session.subscribe(lambda state: self._offer(state.dataset))
        header.on_choose(session.loop.bind(self._on_choice))

    def _offer(self, dataset: Dataset) -> None:
        if not dataset.is_plane:
            self._offers[dataset.name] = dataset
        kinds = {"Data sets": False, "Points in a plane": True}
        named = {
            heading: [name for name in self._offers if (name.casefold() in KINDS) == is_plane]
            for heading, is_plane in kinds.items()
        }
        self._header.datasets = {heading: names for heading, names in named.items() if names}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the data sets; the one that the page opens with comes first."""
        return tuple(self._offers)

    @property
    def chosen(self) -> str:
        """Name of the data set in use."""
        return self._session.dataset.name

    def choose(self, name: str) -> None:
        """Switch to another data set; if it can't be read, a message says so. Points have settings of their own.

        Raises `ValueError` if no data set has this name.
        """
        self._checked(name)
        self._session.loop.call(self._choose, name, partial(self.load, name))

    def open(self, name: str, content: bytes | None) -> None:
        """Switch to a `sent_dataset`; if it can't be read, or None is sent, a message says why."""
        load = partial(sent_dataset, name, content, self._header.most_bytes)
        self._on_choice(printable(name.strip("/")), load)

    def _on_choice(self, name: str, load: Callable[[], Dataset] | None = None) -> None:
        self._header.dataset = f"{name} · loading …"
        self._choose(name, load or partial(self.load, name))
        self._header.dataset = described(self._session.dataset)

    def _choose(self, name: str, load: Callable[[], Dataset]) -> None:
        try:
            dataset = load()
        except (DatasetError, ExtensionError) as error:
            why = f"{self.chosen} stays, and so does the run."
            self._messages.show(Message("data", "error", f"{name} can't be read. {error}", why))
            return
        self._messages.dismiss("data")
        before = self._session.dataset
        if dataset is not before:
            began, begins = (opening_config(one.n_train, one.n_inputs) for one in (before, dataset))
            self._left[began] = self._session.config
            config = self._left.get(begins, begins) if dataset.name in self._offers else begins
            if config == TrainingConfig():  # the exercise's, which suit MNIST's ten classes
                config = usual_config(dataset.n_train, dataset.n_inputs, dataset.n_classes)
            self._session.use(dataset, config.for_images(dataset.n_train))
            if self._session.auto_train:
                self._session.train()
        if not dataset.source and (dataset.notes or dataset.name.endswith("(yours)")):
            text = " ".join([f"{dataset.name} is open, on this page only.", *dataset.notes])
            self._messages.show(Message("data", "info", text, "Saved sessions keep images of up to 16 MB."))

    def load(self, name: str) -> Dataset:
        """Load and return a data set by name, or by what points are made of, without switching to it.

        Raises `DatasetError` or `ExtensionError` if it can't be read, `ValueError` if no data set has this name.
        """
        if "," in name and name not in self._offers:
            return dataset_of(Plane.parse(name.lower()))
        offer = self._checked(name)
        if isinstance(offer, DatasetOffer):
            offer = self._offers[name] = offer.load()
        return offer

    def _checked(self, name: str) -> Dataset | DatasetOffer:
        if name not in self._offers:
            raise ValueError(f"no data set is called {name!r}{did_you_mean(name, self._offers)}")
        return self._offers[name]


def described(dataset: Dataset) -> str:
    """Return a data set's short description: ``"MNIST · 60 000 train, 10 000 test images"``."""
    n_train, n_test = grouped(dataset.n_train), counted(dataset.n_test, f"test {dataset.noun}")
    return f"{dataset.name} · {n_train} train, {n_test}"
