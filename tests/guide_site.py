"""Builds the guide as static pages: README, guide, executed notebooks, a published page, trends of speed.

``python tests/guide_site.py FOLDER`` takes two minutes. Pages load nothing from other hosts, and all links lead
somewhere.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
LEARN = ("tutorial", "exercise", "pitfalls", "explorer", "demonstrations", "guide/demonstrations", "studies")
TEACH = (
    "guide/for_your_course",
    "guide/teach_a_class",
    "guide/kubernetes",
    "presentation",
    "compose",
    "guide/studies_and_clusters",
)
LOOK_UP = (
    "guide/your_own_images",
    "guide/reference",
    "guide/api",
    "guide/how_it_is_built",
    "guide/decisions",
    "guide/extend",
    "guide/performance_and_published_networks",
    "guide/trends",
)
NAVIGATION = {"Learn": LEARN, "Teach": TEACH, "Look up": (*LOOK_UP, "guide/compared_with_others")}
"""All pages below notebooks/ in their sections, in the order of learning."""
EXECUTED = ("demonstrations", "pitfalls", "studies", "tutorial")
"""The notebooks that are shown with their outputs; those of the others are widgets, or yours to write."""
SETTINGS = """\
[project]
site_name = "Neural network explorer"
docs_dir = "docs"
site_dir = "site"
use_directory_urls = false
extra_css = ["notebook.css"]
extra_javascript = ["notebook.js"]
nav = [{nav}]

[project.theme]
font = false
features = ["navigation.top", "content.code.copy"]
palette = [
  {{ media = "(prefers-color-scheme: light)", scheme = "default" }},
  {{ media = "(prefers-color-scheme: dark)", scheme = "slate" }},
]
"""
STYLE = """\
body {
  --jp-content-font-color1: var(--md-default-fg-color);
  --jp-content-font-color2: var(--md-default-fg-color--light);
  --jp-cell-editor-background: var(--md-code-bg-color);
  --jp-mirror-editor-variable-color: var(--md-code-fg-color);
  --jp-layout-color0: var(--md-default-bg-color);
}
.md-typeset figure[class^="lesson"] { width: auto; text-align: start; }
"""
"""The colors that outputs of notebooks take from JupyterLab."""
SCRIPT = """\
const { body } = document;
const tell = () => (body.dataset.jpThemeLight = String(body.dataset.mdColorScheme !== "slate"));
new MutationObserver(tell).observe(body, { attributeFilter: ["data-md-color-scheme"] });
tell();
"""
LIVE = """

<iframe src="../../live/index.html" title="Recorded runs" width="100%" height="1500" style="border: 0"></iframe>
"""
NAMES = {
    "index.md": "Explorer",
    "notebooks/explorer.md": "Page in a notebook",
    "notebooks/guide/demonstrations.md": "Demonstrations: the papers",
}
LOADS = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}


class Links(HTMLParser):
    """The anchors of a page, where its links lead, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loaded = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        given = dict(attrs)
        self.ids |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        loads = given.get("rel") not in ("canonical", "next", "prev", "alternate")
        self.loaded += [given[name] for kind, name in LOADS if kind == tag and given.get(name) and loads]


def complaints(site):
    """Yield a sentence for each link or anchor that leads nowhere, and for all that comes from another host."""
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        name = path.relative_to(site)
        for link in {*page.links, *page.loaded}:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.scheme not in ("data", "blob"):
                    yield f"{name} loads {link}"
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or not target.is_relative_to(site):
                yield f"{name} links to {link}, which isn't there"
            elif target in pages and unquote(parts.fragment) not in pages[target].ids | {""}:
                yield f"{name} links to {link}, an anchor that isn't there"
    for path in site.rglob("*.css"):
        for address in re.findall(r"url\([\"']?(https?:[^)\"']*)", path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)} loads {address}"


def trends(lines):
    """Yield the benchmarks' history as Markdown: each ratio, first, latest and drawn, then the runs."""
    rows = [json.loads(line) for line in lines]
    yield "| what | ratio | first | latest | over time |\n|---|---|---|---|---|"
    for name in dict.fromkeys(name for row in rows for name in row["ratios"]):
        values = {row["commit"]: row["ratios"][name] for row in rows if name in row["ratios"]}
        first, *_, latest = *values.values(), *values.values()
        scale = 28 / (max(values.values()) or 1)
        points = " ".join(
            f"{10 + 30 * i},{32 - scale * value:.1f}" for i, value in enumerate(values.values())
        )
        words = ", ".join(f"{commit} {value:g}" for commit, value in values.items())
        line = f'<polyline fill="none" stroke="currentColor" stroke-width="2" points="{points}"/>'
        size = f'width="{20 + 30 * len(values)}" height="36"'
        drawn = f'<svg {size} role="img" aria-label="{words}">{line}</svg>'
        yield f"| {name.replace(': ', ' | ', 1)} | {first:g} | {latest:g} | {drawn} |"
    yield "\n| commit | of | measured | processor | BLAS | load |\n|---|---|---|---|---|---|"
    for row in rows:
        words = (
            row["commit"],
            row["of"],
            row["measured"],
            *map(row["machine"].get, ("processor", "BLAS", "load")),
        )
        yield f"| {' | '.join(words)} |"


def titled(path):
    """The heading of a page."""
    return re.search("^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)[1]


def with_formulas(text):
    """Markdown with its formulas as MathML, which browsers draw without a script."""
    from latex2mathml.converter import convert

    def formula(found):
        return convert(found[1] or found[2], display="block" if found[1] else "inline")

    return re.sub(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", formula, text, flags=re.DOTALL)


def page_of(path, *, is_executed):
    """A notebook as Markdown."""
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import MarkdownExporter

    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_formulas(cell.source)
    if is_executed:
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": path.parent}}).execute()
    return MarkdownExporter().from_notebook_node(notebook)[0]


def collect(docs, executed):
    """Copy what the pages are made of."""
    guide = docs / "notebooks" / "guide"
    shutil.copytree(ROOT / "notebooks" / "guide", guide)
    shutil.copytree(
        ROOT / ".github", docs / "images", ignore=shutil.ignore_patterns("*.yml", "PULL*", "ISSUE*")
    )
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for source in {*re.findall(r"\]\((explorer/[^)]+\.py)\)", text)}:
        (docs / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, docs / source)
    (docs / "index.md").write_text(text, encoding="utf-8")
    (docs / "notebook.css").write_text(STYLE, encoding="utf-8")
    (docs / "notebook.js").write_text(SCRIPT, encoding="utf-8")
    history = (ROOT / "tests" / "benchmarks" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    for name, more in {"teach_a_class": LIVE, "trends": "\n" + "\n".join(trends(history)) + "\n"}.items():
        with (guide / f"{name}.md").open("a", encoding="utf-8") as page:
            page.write(more)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        body = page_of(path, is_executed=path.stem in executed)
        if plotly := re.search(r"(?<=<script>)/\*\*\n\* plotly\.js .*?(?=</script>)", body, re.DOTALL):
            (docs / "notebooks" / "plotly.js").write_text(plotly[0], encoding="utf-8")
            body = body.replace(f"<script>{plotly[0]}", '<script src="plotly.js">')
        (docs / "notebooks" / f"{path.stem}.md").write_text(body, encoding="utf-8")
    for path in docs.rglob("*.md"):
        text = path.read_text(encoding="utf-8").replace(".github/", "images/")
        path.write_text(text.replace("../README.md", "../index.md"), encoding="utf-8")


def live(folder):
    """A small published page: eight runs of two seconds."""
    from explorer import TrainingConfig, grid, load_mnist, study
    from explorer.extensions.publish.recordings import KeepingPool, KeptWeights
    from explorer.extensions.publish.site import publish

    configs = grid(
        TrainingConfig(n_train=3000, epochs=5),
        hidden_sizes=[8, 32],
        batch_size=[10, 100],
        learning_rate=[0.01, 0.1],
    )
    with tempfile.TemporaryDirectory() as place:
        kept = KeptWeights(Path(place), (1, 2, 5))
        with KeepingPool(kept) as pool:
            trials = {trial.config: trial for trial in study(configs, executor=pool)}
        runs = [kept.run_of(trials[config], load_mnist()) for config in configs]
    publish(runs, load_mnist(), folder, title="Recorded runs", embedded=True)


def navigation(docs):
    """The entries of the navigation, in TOML."""

    def listed(pages):
        return ", ".join(f'{{ "{NAMES.get(page) or titled(docs / page)}" = "{page}" }}' for page in pages)

    pages = {title: [f"notebooks/{name}.md" for name in names] for title, names in NAVIGATION.items()}
    sections = (f'{{ "{title}" = [{listed(found)}] }}' for title, found in pages.items())
    return ", ".join([listed(["index.md"]), *sections])


def build(folder, executed=EXECUTED):
    """Build the pages into a folder, which must not be there yet, and return what is wrong with them."""
    if folder.exists():
        return [f"{folder} is there already"]
    with tempfile.TemporaryDirectory() as place:
        docs = Path(place, "docs")
        collect(docs, executed)
        Path(place, "zensical.toml").write_text(SETTINGS.format(nav=navigation(docs)), encoding="utf-8")
        command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", "zensical.toml"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode:
            return [done.stdout + done.stderr]
        Path(place, "site", "404.html").unlink()  # its links are right at the root of a server only
        live(Path(place, "site", "live"))
        shutil.move(Path(place, "site"), folder)
    return sorted(complaints(folder.resolve()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    wrong = build(parser.parse_args().folder)
    sys.exit("\n".join(wrong) or 0)
