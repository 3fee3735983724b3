"""``nn-explorer publish``: recorded runs as a folder that any web server shows, without Python."""

import shutil
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from explorer.datasets import Dataset
from explorer.extensions.publish import recordings
from explorer.foreign_files import FileError
from explorer.safe_write import own_folder
from explorer.serve import run_options, study_command
from explorer.serve.access import RefusedError
from explorer.session.new_runs import recorded_start
from explorer.training import TrainingConfig
from explorer.training.presets import START
from explorer.training.studies import StudyError, read_journal, study
from explorer.training.studies.configs import measured_cost
from explorer.training.studies.journal import settled_trials
from explorer.training.studies.summary import varied
from explorer.wording import class_noun, counted

_PARTS = ("curves", "matrix", "draw")

OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "--run": {"dest": "runs", "nargs": "+", "default": []},
        "--title": {"default": ""},
        "--only": {"default": ",".join(_PARTS)},
    }
)


def run(args: Namespace) -> int:
    """Run ``nn-explorer publish``."""
    folder = Path(args.folder).expanduser().absolute()
    only = [part for part in _PARTS if part in args.only.split(",")]
    if {*only} != {*args.only.split(",")}:
        raise RefusedError(f"--only is {args.only}; expected some of {','.join(_PARTS)}.")
    if args.runs and args.study:
        raise RefusedError("--run and --study both name runs; expected one of them.")
    used = [*args.runs, *args.dataset, *filter(None, (args.study, args.text))]
    _check_folder(folder, used, overwrite=args.force)
    dataset, _ = run_options.data_of(args)
    if dataset.is_plane:
        raise RefusedError(f"{dataset.name} can't be published; expected images.")
    learned = "digits" if class_noun(dataset.class_names) == "digit" else "to tell images apart"
    args.title = args.title or f"A neural network that learns {learned}"
    try:
        text = _html_of(args.text) if args.text else ""
        return _publish(args, folder, dataset, only, text)
    except (FileError, StudyError) as error:
        raise RefusedError(str(error)) from error


def _check_folder(folder: Path, used: Iterable[str], *, overwrite: bool) -> None:
    """Refuse a folder that can't be written, or has `used` files, or others that the user wants to keep."""
    if not folder.parent.is_dir():
        raise RefusedError(f"There is no folder {folder.parent}.")
    if folder.is_symlink():
        raise RefusedError(f"{folder} is a link to {folder.resolve()}; expected the folder itself.")
    restore_folder(folder)
    if folder.exists() and not folder.is_dir():
        raise RefusedError(f"{folder} is a file; expected a folder.")
    for path in (Path.cwd(), Path.home(), *map(Path, used)):
        whole = path.expanduser().resolve()
        if folder.resolve() in (whole, *whole.parents):
            words = f"{folder} can't be replaced, because it has {path} in it: name another folder."
            raise RefusedError(words)
    is_used = folder.is_dir() and any(folder.iterdir())
    if is_used and not overwrite and not run_options.agrees(f"{folder} is not empty. Replace it?"):
        raise RefusedError(f"{folder} is there already; --force replaces it.")


def restore_folder(folder: Path) -> None:
    """Restore what `whole_folder` was replacing in a process that was killed."""
    before = folder.with_name(f".{folder.name}.before-nn-explorer")
    if folder.exists():
        shutil.rmtree(before, ignore_errors=True)
    elif before.exists():
        before.rename(folder)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a path to write a folder at, which replaces `folder` when the context ends without an error."""
    restore_folder(folder)
    with own_folder("writing-", folder.parent) as place:
        yield place / "whole"
        try:
            if folder.exists():
                folder.rename(folder.with_name(f".{folder.name}.before-nn-explorer"))
            (place / "whole").rename(folder)
        finally:
            restore_folder(folder)


def _html_of(path: str) -> str:
    from mistune import create_markdown

    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RefusedError(f"--text: {path} can't be read ({error}); expected Markdown.") from error
    return str(create_markdown(escape=True)(text))


def _publish(args: Namespace, folder: Path, dataset: Dataset, only: Sequence[str], text: str) -> int:
    from explorer.extensions.publish.site import DEFAULT_RUNS, publish  # needs all of Plotly

    if args.runs:
        runs = recordings.read_runs(args.runs, dataset)
    else:
        journal = Path(args.study or f"{folder}.jsonl").expanduser()
        configs = [one.config for one in read_journal(journal).trials] if args.study else DEFAULT_RUNS
        runs = _recorded(configs, dataset, journal, args)
    if not runs:
        raise RefusedError("No run has weights that are numbers: there is nothing to publish.")
    look: Any = {"title": args.title, "text": text, "only": only, "embedded": args.embed}
    with whole_folder(folder) as place:
        files = publish(runs, dataset, place, **look)
    run = max(size for name, size in files.items() if name.startswith("data/run-"))
    images = next(size for name, size in files.items() if name.startswith("data/images"))
    first = files["index.html"] + images + run
    sizes = f"{sum(files.values()) / 1e6:.1f} MB, at most {first / 1e6:.1f} MB of it before the first picture"
    print(f"Wrote {folder}: {counted(len(runs), 'run')}, {sizes}.")
    change = 100 * max(recordings.accuracy_change(run, dataset) for run in runs)
    print(f"Rounding the weights changes the last accuracies by at most {change:.2f} percentage points.")
    if args.embed:
        size = 'width="100%" height="1500" style="border: 0"'
        print(f'<iframe src="{quote(folder.name)}/index.html" title="{escape(args.title)}" {size}></iframe>')
    return 0


def _recorded(
    configs: Sequence[TrainingConfig], dataset: Dataset, journal: Path, args: Namespace
) -> list[recordings.PublishedRun]:
    """Train what the journal, or the folder of weights next to it, doesn't have yet."""
    folder = journal.with_suffix(".weights") / dataset.content_hash[:16]
    kept = recordings.KeptWeights(folder, recordings.kept_epochs(configs, dataset))
    recorded, console = settled_trials(journal), run_options.terminal(stderr=False)
    trials = {one: recorded[one] for one in configs if one in recorded and kept.has(recorded[one])}
    ready = {}
    if START in configs and (start := recorded_start(dataset)) is not None:
        weights = {int(moment.epoch): moment.weights for moment in start.timeline.moments}
        early = {round(one.epoch, 5): one for one in start.early}
        ready[START] = recordings.PublishedRun(START, start.history, weights, early)
    missing = [one for one in dict.fromkeys(configs) if one not in trials and one not in ready]
    cost = measured_cost(missing, dataset)
    if missing:
        again = sum(one in recorded for one in missing)
        why = f" {journal.name} has no weights of {counted(again, 'run')}." if again else ""
        console.print(f"{dataset.name}: {cost}.{why} After Ctrl-C the same command goes on.")
        study_command.confirm(cost, args)
        kept.folder.mkdir(parents=True, exist_ok=True)
    screen = study_command.StudyScreen(cost, len(trials), varied(configs), console)
    parts = {journal: [one for one in missing if one not in recorded], None: [*recorded.keys() & {*missing}]}
    with screen.bar, recordings.KeepingPool(kept) as pool:
        for book, part in parts.items():
            for trial in study(part, dataset, executor=pool, journal=book):
                trials[trial.config] = trial
                screen.show(trial)
    if failed := [trial for trial in trials.values() if not trial.is_settled]:
        words = f"{counted(len(failed), 'run')} failed and are left out; the first: {failed[0].error}"
        run_options.report(words)
    ready |= {one: kept.run_of(trial, dataset) for one, trial in trials.items() if trial.is_settled}
    return [ready[one] for one in configs if one in ready and ready[one].weights]
