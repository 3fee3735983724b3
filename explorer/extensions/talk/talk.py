"""The talk: its slides by name, each with a finished run already drawn, and at most one live run.

A live run replaces the recorded one as soon as its untrained network can be shown; if it fails or is stopped, the
recording returns: a slide is never empty. On a page the live run has a pace: as fast as it goes, or slowed down,
at first within an epoch, then an epoch a second. Starting one on another slide stops the first.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import display

import explorer.app.layout
from explorer.app.layout import box
from explorer.app.readouts import accuracy_tile
from explorer.app.views import ViewState
from explorer.datasets import Dataset
from explorer.experiments import Experiment, Result, offered_demonstrations
from explorer.extensions.talk.file import READY, Slide, TalkError, TalkFile, read_talk
from explorer.extensions.talk.pictures import NEW_PICTURES, Look, SlideViews
from explorer.extensions.talk.recordings import Recorded, demonstration_name, fit_for, needed, recordings_of
from explorer.extensions.talk.slide_parts import LiveBar, Question, markdown, plain
from explorer.figures.palette import Theme
from explorer.network import most_confused
from explorer.network.diagnostics import diagnose
from explorer.session import EarlierRuns, Session, SessionRun, SessionState
from explorer.training import Moment, TrainingConfig
from explorer.training.event_loop import log_fault
from explorer.training.studies import StudyError
from explorer.widgets.assets import look_of
from explorer.widgets.numbers import Tile, Tiles
from explorer.widgets.rendered import Display, Rendered, element
from explorer.wording import counted, grouped, percent

EPOCH_SECONDS = 1.0  # minimum duration of an epoch of a slowed live run, so that the audience can follow it

_COUNTS = ("One", "Two", "Three", "Four", "Five", "Six")
_PROBE = 300  # test images for the measurement of saturation
_STEP_SECONDS, _LOOK_SECONDS = 0.5, 0.05


class SlideView:
    """A slide: it opens with its recorded run, if it has one, and shows curves of other runs in gray."""

    def __init__(
        self, slide: Slide, recorded: Mapping[str, Recorded], file: TalkFile, session: Session
    ) -> None:
        self.slide, self._dataset = slide, session.dataset
        self.views = views = SlideViews(session)
        views.file, views.title = file, slide.title
        run, found = recorded.get(slide.run), recorded.get(demonstration_name(slide.demonstration))
        self.recorded = views.recorded = run if isinstance(run, SessionRun) else None
        self.recorded_result = views.found = found if isinstance(found, Result) else None
        self.demonstration = offered_demonstrations().get(slide.demonstration)
        self._has_explorer = any(kind == "explorer" for kind, _ in slide.pictures)
        others = (recorded[name] for name in slide.against)
        self._against = tuple(run for run in others if isinstance(run, SessionRun))
        self.heading = Rendered("explorer-slide-heading", element("h2", slide.title))
        self.result, self.question, one = Display(Tiles()), None, self.demonstration
        if slide.question:
            self.question = Question(question=slide.question, choices=[*slide.choices])
        elif one is not None:  # which brings its own
            choices = [*map(one.in_words, one.texts.guesses)]
            self.question = Question(question=one.texts.question, choices=choices)
        self.bar = LiveBar(self._described(), plain(slide.notes), text="recorded run", steps=one is None)
        self.pictures = [NEW_PICTURES[kind](views, argument) for kind, argument in slide.pictures]
        self._live: SessionRun | None = None
        self._shown: SessionRun | None = None  # the live run when its figures were last known
        shown = [one.view for one in self.pictures]
        asked = [] if self.question is None else [self.question]
        top = box("explorer-slide-top", self.heading, self.result)
        middle = box(f"explorer-slide-pictures explorer-slide-{len(shown)}", *shown)
        classes = f"explorer-slide explorer-with-{'-'.join(kind for kind, _ in slide.pictures)}"
        self.view = box(f"{classes} {'explorer-asked' if asked else ''}", top, middle, *asked, self.bar)
        self.bar.observe(views.on_loop(lambda _change: self.show()), ["theme", "scale"])
        self.show()  # what goes wrong is the talk's fault; later, the live run's
        views.on_choice(lambda _state: self.show())

    def _described(self) -> str:
        if self.demonstration is not None:
            return self.demonstration.texts.paper
        if self.recorded is None or self._has_explorer:
            return ""
        config = self.recorded.config
        hidden = f"{config.architecture} {config.hidden_activation}"
        loss = f"{config.output} + {config.loss.replace('_', ' ')}"
        step = f"batch {grouped(config.batch_size)} by {config.reduction}, rate {config.learning_rate:g}"
        weights = config.initializer.capitalize()
        parts = hidden, loss, step, weights, counted(config.epochs, "epoch")
        return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)

    @property
    def run(self) -> SessionRun | None:
        """The run on the slide: the live one as soon as it has figures, else the recorded one."""
        return self._shown or self.recorded

    @property
    def is_running(self) -> bool:
        """Whether a live run is in progress."""
        return self._live is not None and self._live.status in ("running", "paused")

    def show_live(self, live: SessionRun, *, is_paused: bool = False) -> None:
        """Update the live run's state, and draw it."""
        self._live, end, epochs = live, live.history.end, live.config.epochs
        self._shown = self._shown if live.newest is None else live
        if end is not None and end.status != "finished":
            self.reset("" if end.status == "stopped" else f"The live run failed: {end.reason.rstrip('.')}.")
            return
        self.show()  # first: the line below is not to name a step of which the figures are to come
        if self.is_running:
            epoch, step, n_steps = live.position
            text = f"live: epoch {epoch} of {epochs}, step {step} of {n_steps}"
            if live.newest is None:
                text = "a live run begins"
            elif live.history.last:
                text = f"live: epoch {min(live.epochs_done + 1, epochs)} of {epochs}"
            self.bar.show("paused" if is_paused else "running", text, live.epoch / epochs)
        else:
            seconds = sum(record.seconds for record in live.history)
            self.bar.show("live", f"live run, trained in {seconds:.1f} s", 1.0)

    def show_found(self, event: object) -> None:
        """Show the progress of the slide's demonstration, what it has found, or with None its end."""
        if isinstance(event, float):
            self.bar.show("running", f"live: {percent(event, 0)} done", event)
        elif event is None:
            self.bar.show("live", "live, just now", 1.0)
        elif isinstance(event, Result):
            self.views.found = event
            self.show()

    def reset(self, fault: str = "") -> None:
        """Return to the recording; only the speaker is told of the live run's `fault`."""
        self._live = self._shown = None
        self.views.found = self.recorded_result
        self.bar.fault = fault
        if self.bar.settings:
            self.bar.show("recorded", "recorded run")
        self.show()

    def show(self) -> None:
        """Draw the current run."""
        run, views = self.run, self.views
        moment = None if run is None else run.newest
        views.theme, scale = "dark" if self.bar.theme == "dark" else "light", self.bar.scale
        views.current = ViewState(
            dataset=self._dataset,
            config=TrainingConfig() if run is None else run.config,
            run=run,
            pictured=moment,
            earlier=EarlierRuns(self._against),
            theme=views.theme,
        )
        for one in self.pictures:
            one.show(views.state, Look(views.theme, scale))
        self._say(run, moment)

    def _say(self, run: SessionRun | None, moment: Moment | None) -> None:
        """Fill in the sentence, the result and the outcome of the question."""
        slide, tiles, numbers = self.slide, Tiles(), dict[str, Any]()
        one, found = self.demonstration, self.views.found
        if run is not None and moment is not None:
            data, others = self._dataset, [(one, one.newest) for one in self._against]
            other = next((spoken_numbers(one, end, data) for one, end in others if end is not None), {})
            numbers = {**spoken_numbers(run, moment, data), "other": other}
            if not self._has_explorer:
                tiles = Tiles((accuracy_tile(moment, self._dataset),))
        texts = slide.sentence, slide.answer, slide.question, *slide.choices
        sentence, outcome, asked, *choices = (text.format_map(numbers) for text in texts)
        if one is not None and found is not None:
            answer = one.in_words(one.answer(found.numbers))
            sentence, outcome = sentence or one.sentences(found.numbers)[1], outcome or answer
            tiles = Tiles((Tile("Answer", answer),))
        self.heading.draw(element("h2", self.slide.title), *markdown(sentence))
        self.result.show(tiles)
        if self.question is not None:
            is_asked = slide.question and run is self.recorded  # a live run gives no other question
            filled = {"question": asked, "choices": choices} if is_asked else {}
            self.question.update(outcome=plain(outcome), **filled)


def spoken_numbers(run: SessionRun, moment: Moment, dataset: Dataset) -> Mapping[str, str]:
    """Return the numbers that a sentence can use about a run at one of its moments, as formatted text.

    Of the most frequent mistake, ``true``, ``predicted`` and ``times``; the most frequently predicted class is
    ``favorite``, with ``favorite_share`` of all images. If the moment has weights, ``saturated`` is the share of
    the first hidden layer's activations that are at a limit.
    """
    config, confusion, names = run.config, moment.confusion, dataset.class_names
    total, right, read = int(confusion.sum()), int(np.trace(confusion)), confusion.sum(axis=0)
    favorite = int(read.argmax())
    pair = next(iter(most_confused(confusion, 1)), None)
    numbers = {
        "units": config.architecture.replace("-", " and "),
        "layers": _COUNTS[len(config.hidden_sizes) - 1],
        "batch": grouped(config.batch_size),
        "rate": f"{config.learning_rate:g}",
        "epochs": grouped(config.epochs),
        "updates": grouped(run.steps_at_ends[-1]),
        "parameters": grouped(run.new_network().n_parameters),
        "images": grouped(total),
        "right": grouped(right),
        "wrong": grouped(total - right),
        "accuracy": f"{100 * moment.record.test_accuracy:.1f} %",
        "favorite": names[favorite],
        "favorite_share": f"{100 * read[favorite] / total:.0f} %",
        "true": names[pair.true] if pair else "–",
        "predicted": names[pair.predicted] if pair else "–",
        "times": grouped(pair.count if pair else 0),
    }
    if moment.weights:
        X = dataset.test_images[:_PROBE].reshape(-1, dataset.n_inputs).T / 255.0
        d = np.eye(dataset.n_classes)[dataset.test_labels[:_PROBE]].T
        first, *_ = diagnose(run.new_network(), X, d, weights=moment.weights)
        numbers["saturated"] = f"{100 * first.saturated:.0f} %"
    return numbers


class Talk:
    """A talk's slides, on a data set, in a notebook or on a page of their own; ``talk["learns"]`` is one of them.

    `path` is the talk's file, by default the ready talk; ``nn-explorer present --new FILE`` writes one to begin
    with. Slides with a fault are left out, and `faults` has a sentence for each; TalkError if none is left.
    """

    def __init__(self, path: str | Path | None = None, dataset: Dataset | None = None) -> None:
        look_of(Path(explorer.app.layout.__file__).parent)
        look_of(Path(__file__).parent)
        self.file = read_talk(path or READY)
        self.session = Session(dataset, on_fault=self._on_fault)
        self.dataset = self.session.dataset
        self._live: SlideView | None = None
        self._experiment: Experiment | None = None
        self._number, self._pace, self._is_paused = 0, "epoch", False
        recorded, self.faults = recordings_of(self.file, self.dataset)
        self.slides: dict[str, SlideView] = {}
        for slide in self.file.slides:
            if needed((slide,)).keys() <= recorded.keys():
                self._add(slide, recorded)
        if not self.slides:
            raise TalkError(" ".join(self.faults))
        self.session.subscribe(self._on_state)

    def __getitem__(self, name: str) -> Any:
        """Return a slide by name, for display; raises KeyError if there is none."""
        return self.slides[name].view

    def _ipython_display_(self) -> None:
        """Display all slides in order, each with its name, by which the talk's page finds it."""
        for fault in self.faults:
            display({"text/plain": fault}, raw=True)
        for name, slide in self.slides.items():
            display(slide.view, metadata={"slide": name})

    def open(self, *, theme: Theme | None = None, notes: bool = True) -> None:
        """Draw in the page's theme, if it is known; without `notes`, keep the speaker's notes from the page."""
        for slide in self.slides.values():
            slide.bar.theme = theme or slide.bar.theme
            slide.bar.notes = slide.bar.notes * notes

    def run_live(self, name: str) -> None:
        """Train a slide's run now, in place of its recording; raises RuntimeError if it has none."""
        slide = self.slides[name]
        if not slide.bar.settings:
            raise RuntimeError(f"the slide {name!r} has no run")
        self.stop()
        self._live, self._is_paused = slide, False
        if slide.demonstration is not None:
            steps = slide.demonstration.run(fit_for(slide.demonstration, self.dataset), 0)
            deliver = partial(self.session.loop.bind(self._on_event), self._number)
            slide.show_found(0.0)
            self._experiment = Experiment(steps, deliver)
        elif slide.recorded is not None:
            has_page = self.session.loop.loop is not None
            self.session.train(slide.recorded.config, paused=has_page)
            if has_page:
                self._go_on(self._number)

    def reset(self) -> None:
        """Stop the live run, and show the recordings on all slides."""
        self.stop()
        for slide in self.slides.values():
            slide.reset()

    def close(self) -> None:
        """Stop the live run and its thread, and close the widgets."""
        self.stop()
        self.session.close()
        for slide in self.slides.values():
            slide.view.close()

    def _add(self, slide: Slide, recorded: Mapping[str, Recorded]) -> None:
        try:
            view = SlideView(slide, recorded, self.file, self.session)
        except Exception as error:  # noqa: BLE001  # the other slides are shown
            if not isinstance(error, OSError | StudyError | ValueError):
                log_fault(error)
            self.faults = self.file.in_order((*self.faults, self.file.fault(slide.line, str(error))))
            return
        view.bar.on_live(self.session.loop.bind(partial(self._on_wish, slide.name)))
        view.bar.observe(self.session.loop.bind(self._on_pace), "pace")
        self.slides[slide.name] = view

    def _on_wish(self, name: str, wish: str) -> None:
        slide, session = self.slides[name], self.session
        match wish:
            case "run":
                self.run_live(name)
            case "stop":
                self.stop()
            case "reset":
                self.reset()
            case "pause" if slide is self._live and self._experiment is None:
                self._is_paused = not self._is_paused
                self._number += 1
                session.pause()
                self._go_on(self._number)
                self._on_state(session.state)
            case "step" if slide is self._live and self._experiment is None:
                self._is_paused = True
                session.pause()
                self._go_on(self._number, once=True)

    def _on_pace(self, change: Mapping[str, Any]) -> None:
        is_new, self._pace = change["new"] != self._pace, change["new"]
        for slide in self.slides.values():
            slide.bar.pace = self._pace
        if is_new and self._live is not None and self._live.is_running:
            self._number += 1
            self.session.pause()
            self._go_on(self._number)

    def stop(self) -> None:
        """Stop the live run; its slide shows the recording again."""
        self._number += 1
        if self._experiment is not None:
            self._experiment.stop()
            self._experiment = None
            if self._live is not None:
                self._live.reset()
        elif self._live is not None and self._live.is_running:
            self.session.stop()
            self._live.reset()

    def _go_on(self, number: int, *, once: bool = False) -> None:
        """Keep the pace of a run until it ends: let it run, or advance it by a step once its figures are known."""
        run, session, seconds = self.session.state.run, self.session, _LOOK_SECONDS
        is_outdated = number != self._number or self._is_paused != once
        if run is None or is_outdated or run.status not in ("running", "paused"):
            return
        if session.status == "paused" and session.wait(0):
            if self._pace == "fast" and not once and run.newest is not None:
                session.resume()
                return
            _, step, n_steps = run.position
            is_within = not run.history.epochs and step < n_steps
            # The first epoch, in which it learns most, advances by a number of batches that doubles each time.
            session.step("batch" if is_within else "epoch", max(1, min(step, n_steps - step)))
            seconds = _STEP_SECONDS if is_within else EPOCH_SECONDS
            if once:
                return
        if session.loop.loop is not None:
            session.loop.call_later(seconds, session.loop.guarded, partial(self._go_on, number, once=once))

    def _on_state(self, state: SessionState) -> None:
        if self._live is not None and state.run is not None and self._experiment is None:
            self._live.show_live(state.run, is_paused=self._is_paused)

    def _on_event(self, number: int, event: Any) -> None:
        """Show what a demonstration yields; at its end it is None or an error."""
        if number != self._number or self._live is None:
            return
        if event is None or isinstance(event, Exception):
            self._experiment = None
        if isinstance(event, Exception):
            self._on_fault(event)
        else:
            self._live.show_found(event)

    def _on_fault(self, error: Exception) -> None:
        """Return to the recording if a live run fails: the talk continues."""
        log_fault(error)
        live, self._live = self._live, None
        if live is not None:  # what the session says of the stop is no news
            self.session.stop()
            live.reset(f"The live run failed: {type(error).__name__}: {error}")
