"""The bundled images are the real ones, load quickly, and share one copy in memory."""

import gzip
import hashlib
import json
import mmap
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import needs
import numpy as np
import pytest
from dataset_files import idx

from explorer.datasets import DatasetError, load_mnist
from explorer.datasets import mnist as module

TRAIN_IMAGES = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
TEST_IMAGES = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"

# Loads the images in a process of its own and reports what it got, and from where.
PROBE = """
import hashlib, json, sys
from pathlib import Path
from explorer.datasets import load_mnist, mnist as module
{before}
mnist = load_mnist()
pixels = hashlib.sha256(mnist.train_images)
pixels.update(mnist.test_images)
maps = [line for line in Path("/proc/self/maps").read_text().splitlines() if "mnist-images-" in line]
print(json.dumps(dict(pixels=pixels.hexdigest(), maps=maps, shape=mnist.train_images.shape)))
"""


def load_with_cache(folder, before=""):
    """Run the probe with its cache in a folder."""
    environment = os.environ | {"XDG_CACHE_HOME": str(folder)}
    command = [sys.executable, "-W", "error", "-c", PROBE.format(before=before)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return json.loads(result.stdout)


def digest(dataset):
    found = hashlib.sha256(dataset.train_images)
    found.update(dataset.test_images)
    return found.hexdigest()


@pytest.fixture(scope="module")
def few(mnist, tmp_path_factory):
    """A hundredth of the images, and a folder with them in place of the package's own."""
    test = {name: getattr(mnist, name)[:100] for name in ("test_images", "test_labels")}
    folder, few = tmp_path_factory.mktemp("data"), replace(mnist.head(600), **test)
    for name, kind in ((module.IMAGES, "images"), (module.LABELS, "labels")):
        with gzip.open(folder / name, "wb", 1) as stream:
            np.save(stream, np.concatenate([getattr(few, f"{split}_{kind}") for split in ("train", "test")]))
    return SimpleNamespace(dataset=few, folder=folder)


@pytest.fixture
def packaged(few, monkeypatch):
    """The package of this process has the few images; the line that another one needs to have them."""
    for name, value in {"DATA": few.folder, "N_IMAGES": 700, "N_TRAIN": 600}.items():
        monkeypatch.setattr(module, name, value)
    return f"module.DATA, module.N_IMAGES, module.N_TRAIN = Path({str(few.folder)!r}), 700, 600"


@pytest.fixture
def reload(monkeypatch, few, packaged):
    """Load in this process with the given environment; tells whether the images are mapped."""

    def reload(**env):
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        for name, value in env.items():
            monkeypatch.setenv(name, str(value))
        images = load_mnist.__wrapped__().train_images
        assert np.array_equal(images, few.dataset.train_images)
        assert not images.flags.writeable
        while isinstance(images, np.ndarray):
            images = images.base
        return isinstance(images, mmap.mmap)

    return reload


@pytest.fixture
def cached(tmp_path, reload):
    """The cache's file after a first load."""
    assert reload(XDG_CACHE_HOME=tmp_path)
    (file,) = (tmp_path / "nn-explorer").iterdir()
    return file


def test_the_images_are_the_real_ones(mnist):
    assert hashlib.sha256(idx(mnist.train_images)).hexdigest() == TRAIN_IMAGES
    assert hashlib.sha256(idx(mnist.test_images)).hexdigest() == TEST_IMAGES


def test_the_notice_stands_next_to_the_data():
    notice = (module.DATA / "NOTICE.md").read_text(encoding="utf-8")
    licence = (module.DATA / "LICENSE.md").read_text(encoding="utf-8")
    for words in ("LeCun", "Cortes", "Burges", "NIST", "repacked", TRAIN_IMAGES, TEST_IMAGES):
        assert words in notice
    assert "Attribution-ShareAlike 3.0" in licence
    assert "https://creativecommons.org/licenses/by-sa/3.0/legalcode" in licence


@needs.PROC
def test_the_first_load_unpacks_and_the_next_ones_share(mnist, tmp_path):
    first = load_with_cache(tmp_path)
    (file,) = (tmp_path / "nn-explorer").iterdir()
    written = file.stat()
    second = load_with_cache(tmp_path)
    for result in (first, second):
        assert result["pixels"] == digest(mnist)
        assert result["shape"] == [60_000, 28, 28]
        (line,) = result["maps"]
        assert " r--s " in line  # read-only and shared
        assert line.split()[4] == str(written.st_ino)
    assert file.stat().st_mtime_ns == written.st_mtime_ns


@pytest.mark.slow
@needs.PROC
def test_four_processes_at_once(tmp_path, few, packaged):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(load_with_cache, [tmp_path] * 4, [packaged] * 4))
    assert {result["pixels"] for result in results} == {digest(few.dataset)}
    assert all(result["maps"] for result in results)
    assert len(list((tmp_path / "nn-explorer").iterdir())) == 1


def flip_a_bit(file):
    with file.open("r+b") as stream:
        stream.seek(300_000)
        byte = stream.read(1)[0]
        stream.seek(300_000)
        stream.write(bytes([byte ^ 1]))


def cut_off(file):
    os.truncate(file, 400_000)


def become_a_pipe(file):
    file.unlink()
    os.mkfifo(file)


@needs.PROC
@pytest.mark.timeout(60)
@pytest.mark.parametrize("damage", [flip_a_bit, cut_off, become_a_pipe])
def test_a_damaged_cache_is_repaired(cached, reload, damage):
    good = cached.stat().st_size
    damage(cached)
    assert reload(XDG_CACHE_HOME=cached.parent.parent)
    assert cached.stat().st_size == good
    assert list(cached.parent.iterdir()) == [cached]


@needs.PROC
@pytest.mark.parametrize("where", ["a file", "/proc/nowhere", "/dev/null", "relative"])
def test_where_nothing_can_be_written_the_images_stay_in_memory(tmp_path, reload, where):
    if where == "a file":
        where = tmp_path / "file"
        where.write_text("not a folder")
    assert not reload(XDG_CACHE_HOME=where)


def test_a_user_without_a_home_leaves_nothing_in_the_working_folder(tmp_path, monkeypatch, reload):
    def unknown(_path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "expanduser", unknown)
    assert not reload()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("system", "variable", "folder"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache"),
        ("darwin", "XDG_CACHE_HOME", "Library/Caches"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_the_cache_is_where_each_system_keeps_it(tmp_path, monkeypatch, reload, system, variable, folder):
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.delenv(variable, raising=False)
    reload(HOME=tmp_path, USERPROFILE=tmp_path)
    assert [*(tmp_path / folder / "nn-explorer").iterdir()]
    reload(**{variable: tmp_path / "given"})
    assert [*(tmp_path / "given" / "nn-explorer").iterdir()]


@needs.PROC
def test_a_full_disk(tmp_path, few, packaged):
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    result = load_with_cache(tmp_path, f"{packaged}\n{limit}")
    assert (result["pixels"], result["maps"]) == (digest(few.dataset), [])
    assert list((tmp_path / "nn-explorer").iterdir()) == []  # nothing half-written stays


@pytest.mark.parametrize("name", [module.IMAGES, module.LABELS])
@pytest.mark.parametrize("content", [None, b"", b"1234567", b"x" * 5000])
def test_a_damaged_installation_is_named(tmp_path, monkeypatch, few, packaged, name, content):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for file in (module.IMAGES, module.LABELS):
        (tmp_path / file).symlink_to(few.folder / file)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(module, "DATA", tmp_path)
    with pytest.raises(DatasetError, match=f"^{name}: found "):
        load_mnist.__wrapped__()
