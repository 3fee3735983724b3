"""What the page costs and how fast it answers, measured in a real Chromium.

    python tests/benchmarks/page.py

takes about nine minutes on two cores (options: ``--quick``, ``--only NAME``). Every verdict is
on figures taken in this one run, those that are compared in turns; nothing here is a test.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import nbformat
from bare_chromium import KERNEL, NO_OTHER_HOST, BareChromium
from playwright.sync_api import Browser, Page, sync_playwright
from report import Result, command, machine, say
from served import Served, explorer, free_port, own_page, started, stock_voila, wait_until_warm

QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    NO_OTHER_HOST,
]
ROOT = Path(__file__).parents[2]
PACKAGES = ("plotly", "voila", "anywidget", "ipywidgets", "tornado", "playwright")
PLOT = ".js-plotly-plot .main-svg"
FIGURES_OF_THE_APP = 3
SECONDS_OF_A_VISIT = 6.0  # that is followed by another: after three, the first has the compiled code kept
WITH_DATA = ".js-plotly-plot:has(.scatterlayer .js-line, .heatmaplayer image)"
IMPORTS = "import voila.app, ipykernel.kernelapp, explorer.app.explorer"
PARTS = ("command", "first plot", "notebook", "answers", "exercise", "ticks", "visitors")
SECONDS_OF_A_START = 2.0  # of the browser, which is there when the command is typed
VISITS = ("first", "second", "third")
Figures = dict[str, float]
Maker = Callable[[], AbstractContextManager[Served]]
FIGURES = """
import numpy as np
import plotly.graph_objects as go
from explorer.figures.curves import curves_figure
from explorer.figures.confusion import confusion_figure
from explorer.training import History, TrainingConfig
history, names = History(TrainingConfig()), tuple("0123456789")
made = [curves_figure(history, metric=metric) for metric in ("loss", "accuracy")]
made.append(confusion_figure(np.eye(10, dtype=int) * 100, names))
"""
PLAIN = FIGURES + "from ipywidgets import VBox\nVBox([go.FigureWidget(made[i % 3]) for i in range({n})])"
LIVE = (
    FIGURES
    + "from ipywidgets import VBox\nfrom explorer.serve.request import wait_for_visitor\n"
    + "from explorer.widgets.live_figure import LiveFigure\n"
    + "shown = VBox([LiveFigure(made[i % 3]) for i in range({n})])\nwait_for_visitor()\nshown"
)
DRAWN = "document.querySelectorAll('.js-plotly-plot .main-svg').length >= {n}"
IDLE = """window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'
  && document.querySelectorAll('.jp-CodeCell').length > 0"""
DRAWN_AFTER = """async () => {{
  const started = performance.now();
  {run};
  const drawn = () => document.querySelectorAll(`{figure}`);
  while (drawn().length < 3) await new Promise(requestAnimationFrame);
  return performance.now() - started;
}}"""
FIRST_POINTS = """async () => {
  const plot = document.querySelector('.explorer-place-accuracy .js-plotly-plot');
  const slider = document.querySelector('.explorer-controls input[type=range]');  // hidden units
  const points = () => plot.data.find((trace) => trace.name === 'during training').y;
  const before = points();
  const started = performance.now();
  slider.value = Number(slider.value) + (Number(slider.value) > 9 ? -1 : 1);
  for (const kind of ['input', 'change']) slider.dispatchEvent(new Event(kind, { bubbles: true }));
  while (points() === before || points().length === 0) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - started;
}"""
STOPPED = """async () => {
  const bar = document.querySelector('.explorer-run');
  const started = performance.now();
  [...bar.querySelectorAll('button')].find((button) => button.textContent.includes('Stop')).click();
  while (!/stopped|finished/.test(bar.textContent)) await new Promise((done) => setTimeout(done, 1));
  if (!bar.textContent.includes('stopped')) throw new Error('the run ended before it was stopped');
  return performance.now() - started;
}"""
RETRAINED = """async () => {
  const plot = document.querySelector('.explorer-place-confusion .js-plotly-plot');
  const bar = document.querySelector('.explorer-run');
  let matrix = plot.data[0].z, changed = 0;
  const started = performance.now();
  [...bar.querySelectorAll('button')].find((button) => button.textContent.includes('Train')).click();
  while (bar.textContent.includes('finished')) await new Promise(requestAnimationFrame);
  const over = () => bar.textContent.includes('finished') && performance.now() - changed > 700;
  while (!over()) {
    await new Promise(requestAnimationFrame);
    if (plot.data[0].z !== matrix) [matrix, changed] = [plot.data[0].z, performance.now()];
  }
  return (changed - started) / 1000;
}"""
ENGINE = """
import time
from explorer import TrainingConfig, load_mnist, train
data = load_mnist()
for _ in range(2):
    started = time.perf_counter()
    for record in train(TrainingConfig(), data): pass
    seconds = time.perf_counter() - started
print(seconds)
"""
TICKS = """
import asyncio, gc, json, time
from explorer import Explorer, TrainingConfig
app = Explorer(train=False)
gc.collect()
gc.freeze()  # as the page's kernel does before its visitor comes

async def late(seconds={seconds}):
    found, due = [], time.perf_counter()
    end = due + seconds
    while due < end:  # a fixed beat: a long stall makes all of its ticks late
        due += 0.005
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        found.append(1000 * (time.perf_counter() - due))
    found.sort()
    return dict(median=found[len(found) // 2], p99=found[int(0.99 * len(found))], worst=found[-1])

async def over():
    while app.status == "running":
        await asyncio.sleep(0.002)

report = {{}}
for batch_size in (1, 16, 512):
    app.train(TrainingConfig(batch_size=batch_size, epochs=500))
    report[f"batch {{batch_size}}"] = await late()
    app.stop()
    await over()
app.close()
print(json.dumps(report))
"""


def write_notebook(folder: str, name: str, source: str) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source)]
    path = Path(folder) / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def chromium_path() -> str:
    path = os.environ.get("EXPLORER_CHROMIUM") or shutil.which("chromium")
    if path is None:
        sys.exit("no Chromium: install one, or name it in EXPLORER_CHROMIUM")
    return path


@contextmanager
def opened(
    chromium: Browser, server: Served, n: int = FIGURES_OF_THE_APP
) -> Iterator[tuple[Page, list[bytes]]]:
    """Open a page with a warm kernel until its nth figure is drawn; give it and what its socket receives."""
    wait_until_warm(server)
    warm, frames = server.warm(), []
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.on("websocket", lambda sock: sock.on("framereceived", lambda data: frames.append(as_bytes(data))))
    page.goto(server.url, wait_until="commit")
    page.wait_for_function(DRAWN.format(n=2 * n), timeout=180_000)  # two drawings a figure: below and above
    server.take(page.evaluate(KERNEL), warm)
    yield page, frames
    page.close(run_before_unload=True)


def as_bytes(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload


def socket_bytes(chromium: Browser, server: Served, n: int) -> int:
    """Return the bytes that come over the socket until a second after the nth figure."""
    with opened(chromium, server, n) as (page, frames):
        page.wait_for_timeout(1000)
    return sum(map(len, frames))


def start_cold(make: Maker, stack: ExitStack, n: int) -> tuple[Served, float]:
    """Start a server and open its page at once, as its first kernel starts; return it, and the seconds it took."""
    with BareChromium(chromium_path()) as browser:
        server = stack.enter_context(make())
        if server.warm():
            raise RuntimeError(f"the kernel of {server.url} was ready")
        drawn = browser.draw(server.url, PLOT, 2 * n)
    server.taken.add(drawn.kernel)
    wait_until_warm(server)
    return server, drawn.seconds


def warm_plot(
    browser: BareChromium, server: Served, n: int, all_servers: Iterable[Served], settle: float = 1.0
) -> Figures:
    """Return the seconds to the nth figure, and the requests, of a visit while no server computes anything.

    The page stays open for `settle` seconds more.
    """
    wait_until_warm(*all_servers)
    warm = server.warm()
    drawn = browser.draw(server.url, PLOT, 2 * n, settle)
    server.take(drawn.kernel, warm)
    return {"seconds": drawn.seconds, "requests": drawn.requests}


def first_plots(
    servers: dict[str, Served], counts: dict[str, int], visits: dict[str, int], rounds: int
) -> dict[str, Figures]:
    """Return the visits' figures, medians over new browsers; in each round the servers take turns."""
    found: dict[str, list[list[Figures]]] = {name: [] for name in servers}
    for _ in range(rounds):
        with ExitStack() as stack:
            browsers = {name: stack.enter_context(BareChromium(chromium_path())) for name in servers}
            for row in found.values():
                row.append([])
            for visit in range(max(visits.values())):
                for name in [name for name in servers if visit < visits[name]]:
                    comes_again = visit + 1 < visits[name]
                    settle = SECONDS_OF_A_VISIT if comes_again else 1.0
                    figures = warm_plot(browsers[name], servers[name], counts[name], servers.values(), settle)
                    found[name][-1].append(figures)
    return {name: medians(rows) for name, rows in found.items()}


def medians(rows: list[list[Figures]]) -> Figures:
    """Return seconds and requests of the first, second … visit, medians over the rounds."""
    report = {}
    for visit, figures in zip(VISITS, zip(*rows, strict=True), strict=False):
        report[visit] = statistics.median(one["seconds"] for one in figures)
        report[f"{visit}, requests"] = statistics.median(one["requests"] for one in figures)
    return report


def measure_first_plot(chromium: Browser, folder: str, rounds: int) -> dict[str, Figures]:
    """Seconds to the last figure: cold, and with a preheated kernel by a browser that comes for the nth time."""
    app = f"explorer, {FIGURES_OF_THE_APP} figures"
    makers: dict[str, tuple[int, int, Maker]] = {app: (FIGURES_OF_THE_APP, 3, explorer)}
    for n in (3, 6):
        live = write_notebook(folder, f"live{n}", LIVE.format(n=n))
        plain = write_notebook(folder, f"plain{n}", PLAIN.format(n=n))
        makers[f"live figures, {n}"] = n, 1, lambda live=live: own_page(live)
        makers[f"plain FigureWidgets, {n}"] = n, 1, lambda plain=plain: stock_voila(plain)
    counts = {name: n for name, (n, _, _) in makers.items()}
    with ExitStack() as stack:
        servers, cold = {}, {}
        for name, (n, _, make) in makers.items():
            servers[name], cold[name] = start_cold(make, stack, n)
        report = first_plots(servers, counts, {name: one[1] for name, one in makers.items()}, rounds)
        for name, server in servers.items():
            report[name] |= {"cold": cold[name], "bytes": socket_bytes(chromium, server, counts[name])}
    return report


def measure_command(rounds: int, before: str | None) -> dict[str, Figures]:
    """Seconds from the command, typed in an empty home, to three figures with data in a browser without a profile.

    In turns, those of its imports in one process, and those of the checkout `before`, if there is one.
    """
    states = {"now": str(ROOT), **({"before": before} if before else {})}
    found: dict[str, list[Figures]] = {state: [] for state in states}
    for _ in range(rounds):
        for state, folder in states.items():
            with tempfile.TemporaryDirectory() as home:
                jupyter = {name: "" for name in os.environ if name.startswith(("JUPYTER", "IPYTHON", "XDG_"))}
                found[state].append(command_to_figures({**jupyter, "HOME": home, "PYTHONPATH": folder}))
    return compared(found, "figures, s")


def compared(found: dict[str, list[Figures]], key: str) -> dict[str, Figures]:
    """Return each state's medians, and if there are two, that of the ratios of one figure of both."""
    report = {
        state: {name: statistics.median(one[name] for one in rows) for name in rows[0]}
        for state, rows in found.items()
    }
    if "before" in found:
        pairs = zip(found["now"], found["before"], strict=True)
        report["now"]["now / before"] = statistics.median(one[key] / other[key] for one, other in pairs)
    return report


def command_to_figures(environment: dict[str, str]) -> Figures:
    """Return the seconds of one start and of its imports alone, and the CPU time of all processes by then."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, env={**os.environ, **environment})
    imports = time.perf_counter() - begun
    with BareChromium(chromium_path()) as browser:
        time.sleep(SECONDS_OF_A_START)
        rested, begun = browser.cpu_seconds(), time.perf_counter()
        with explorer(**environment) as server:
            listens = time.perf_counter() - begun
            drawn = browser.draw(server.url, WITH_DATA, FIGURES_OF_THE_APP, settle=0)
            servers, page = server.seconds(), browser.cpu_seconds() - rested
    seconds = listens + drawn.seconds
    cpu = {"CPU of the servers, s": servers, "CPU with the browser, s": servers + page}
    times = {"listens, s": listens, "figures, s": seconds, "imports alone, s": imports}
    return {**times, "ratio": seconds / imports, **cpu}


def measure_notebook(chromium: Browser, rounds: int, before: str | None) -> dict[str, Figures]:
    """Seconds from Run to three figures with data, of the first code cell of explorer.ipynb in JupyterLab.

    In turns with the checkout `before`, if there is one. The kernel is idle when the cell is run.
    """
    states = {"now": str(ROOT), **({"before": before} if before else {})}
    found: dict[str, list[Figures]] = {state: [] for state in states}
    with ExitStack() as stack:
        labs = {state: stack.enter_context(jupyterlab(Path(folder))) for state, folder in states.items()}
        for _ in range(rounds):
            for state, lab in labs.items():
                with chromium.new_context(viewport={"width": 1440, "height": 900}) as context:
                    page = context.new_page()
                    page.goto(f"{lab.url}lab/tree/explorer.ipynb?reset")
                    page.wait_for_function(IDLE, timeout=180_000)
                    run = "window.jupyterapp.commands.execute('notebook:run-all-cells')"
                    took = page.evaluate(DRAWN_AFTER.format(run=run, figure=WITH_DATA)) / 1000
                    found[state].append({"Run to three figures, s": took})
                    page.evaluate("window.jupyterapp.commands.execute('kernelmenu:shutdown')")
    return compared(found, "Run to three figures, s")


def jupyterlab(checkout: Path) -> AbstractContextManager[Served]:
    """Run JupyterLab on a copy of a checkout's explorer.ipynb, with the package of that checkout."""
    folder = tempfile.mkdtemp()
    shutil.copy(checkout / "notebooks" / "explorer.ipynb", folder)
    port = free_port()
    options = ["--no-browser", "--allow-root", "--LabApp.expose_app_in_browser=True", "--LabApp.news_url="]
    options += [f"--port={port}", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
    home = {"JUPYTER_CONFIG_DIR": folder, "JUPYTER_DATA_DIR": f"{folder}/data"}
    return started(["-m", "jupyter", "lab", *options], port, PYTHONPATH=str(checkout), **home)


def slider_and_stop(page: Page, rounds: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds from the slider's release to new points, and from Stop to stopped."""
    points, stops = [], []
    for _ in range(rounds):
        points.append(page.evaluate(FIRST_POINTS))
        stops.append(page.evaluate(STOPPED))
        page.wait_for_timeout(700)
    return points, stops


def measure_answers(chromium: Browser, rounds: int) -> Figures:
    """Slider released → new points on the page; Stop pressed → stopped; milliseconds."""
    with explorer() as server, opened(chromium, server) as (page, _):
        wait_until_warm(server)
        points, stops = slider_and_stop(page, rounds)
    return {"slider to new points, ms": statistics.median(points), "stop, ms": statistics.median(stops)}


def measure_exercise(chromium: Browser, rounds: int) -> Figures:
    """Seconds of the exercise's ten epochs: from the click on Train to the last matrix, and the engine's alone."""
    in_the_app, alone = [], []
    with explorer() as server, opened(chromium, server) as (page, _):
        wait_until_warm(server)
        for _ in range(rounds):
            in_the_app.append(page.evaluate(RETRAINED))
            done = subprocess.run([sys.executable, "-c", ENGINE], capture_output=True, text=True, check=True)
            alone.append(float(done.stdout))
    return {
        "click to last matrix, s": statistics.median(in_the_app),
        "engine alone, s": statistics.median(alone),
    }


def measure_ticks(seconds: float) -> dict[str, Figures]:
    """Delays of a 5 ms tick on the event loop of a real kernel while it trains: median, 99th percentile, worst."""
    from jupyter_client.manager import start_new_kernel

    quiet = ["--IPKernelApp.log_level=ERROR"]
    manager, client = start_new_kernel(kernel_name="python3", extra_arguments=quiet)
    printed: list[str] = []
    reply = client.execute_interactive(
        TICKS.format(seconds=seconds),
        timeout=300,
        output_hook=lambda message: printed.append(message["content"].get("text", "")),
    )
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(reply["content"]["evalue"])
    return json.loads("".join(printed))


def measure_visitors(chromium: Browser, visitors: int) -> Figures:
    """Memory and computing that each further visitor adds, MB and s; a kernel always waits for the next."""
    totals = []
    with explorer() as server, ExitStack() as pages:
        for _ in range(visitors):
            pages.enter_context(opened(chromium, server))
            wait_until_warm(server)
            totals.append((server.megabytes(), server.seconds()))
    added = [(last - first) / (visitors - 2) for last, first in zip(totals[-1], totals[1], strict=True)]
    return dict(zip(("MB", "s"), added, strict=True))


def verdicts(report: dict) -> Iterator[tuple[str, float, float | None]]:
    """Yield (what, figure, target); there is no target where the page has to wait for Python."""
    plots = report.get("first plot")
    if "command" in report:
        now = report["command"]["now"]
        yield "command to three figures / its imports alone", now["ratio"], 1.5
        yield "CPU of all processes by then, s", now["CPU with the browser, s"], 5
    if plots:
        for n, target in ((3, 0.4), (6, 0.3)):
            live, stock = plots[f"live figures, {n}"], plots[f"plain FigureWidgets, {n}"]
            yield f"live figures / plain, {n} figures, preheated", live["first"] / stock["first"], target
            yield f"live figures / plain, {n} figures, cold", live["cold"] / stock["cold"], None
        app, plain = plots["explorer, 3 figures"], plots["plain FigureWidgets, 3"]["first"]
        yield "the app / three plain figures, preheated", app["first"] / plain, 0.4
        cold = app["cold"] / plots["plain FigureWidgets, 3"]["cold"]
        yield "the app / three plain figures, cold", cold, None
        for visit in VISITS[1:]:
            yield f"the app, {visit} visit / three plain figures, first visit", app[visit] / plain, 0.3
        yield "the app over the socket, MB", app["bytes"] / 1e6, 8
    if "answers" in report:
        yield "slider to new points, ms", report["answers"]["slider to new points, ms"], 250
        yield "Stop to stopped, ms", report["answers"]["stop, ms"], 100
    if "exercise" in report:
        ratio = report["exercise"]["click to last matrix, s"] / report["exercise"]["engine alone, s"]
        yield "the exercise in the app / the engine alone", ratio, 1.6
    for case, late in report.get("ticks", {}).items():
        yield f"5 ms tick late at {case}, 99th percentile, ms", late["p99"], 5
    for unit, figure in report.get("visitors", {}).items():
        yield f"one more visitor, {unit}", figure, {"MB": 70, "s": 0.7}[unit]


def measure(options: argparse.Namespace) -> dict:
    """Return the figures of each part that is asked for, saying them and the machine."""
    quick, report = options.quick, {}
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        chromium = driver.chromium.launch(executable_path=chromium_path(), args=QUIET)
        say(machine(*PACKAGES) | {"Chromium": chromium.version})
        parts = {
            "command": lambda: measure_command(1 if quick else 5, options.before),
            "first plot": lambda: measure_first_plot(chromium, folder, 1 if quick else 3),
            "notebook": lambda: measure_notebook(chromium, 1 if quick else 3, options.before),
            "answers": lambda: measure_answers(chromium, 5 if quick else 11),
            "exercise": lambda: measure_exercise(chromium, 3 if quick else 7),
            "ticks": lambda: measure_ticks(3 if quick else 6),
            "visitors": lambda: measure_visitors(chromium, 4 if quick else 10),
        }
        for name in PARTS if options.only is None else [options.only]:
            started = time.monotonic()
            report[name] = parts[name]()
            took, figures = time.monotonic() - started, json.dumps(report[name], indent=1)
            print(f"{name} ({took:.0f} s): {figures}", flush=True)
        chromium.close()
    return report


def main() -> None:
    parser = command(__doc__, quick="fewer rounds")
    parser.add_argument("--only", choices=PARTS, help="one part of it")
    words = "another checkout, whose command is timed in turns"
    parser.add_argument("--before", metavar="FOLDER", help=words)
    options = parser.parse_args()
    for what, figure, target in verdicts(measure(options)):
        print(Result(what, "", figure, target, at_least=False).line())


if __name__ == "__main__":
    main()
