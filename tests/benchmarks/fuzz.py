"""Search the binary readers for an input that ends otherwise than in a result or a documented error.

    python tests/benchmarks/fuzz.py [SECONDS]

Atheris (libFuzzer for Python) follows which lines of the readers an input reaches, and keeps those that reach new
ones. Each reader has so many seconds (60) in a process of its own. It ends at the first finding, and at an input
that takes more than 2 s or lets the process grow above 600 MB.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))
ROOMS = [f"explorer.{room}" for room in ("foreign_files", "network", "datasets", "training", "session")]
with atheris.instrument_imports(include=ROOMS, enable_loader_override=False):
    import hostile_inputs as inputs

SOUND = {
    "weights": inputs.weights,
    "session": inputs.session,
    "archive": lambda: inputs.archive(inputs.files(), "w"),
    "folder": lambda: inputs.files()["mnist-test-images.npy"],
}
ZIPS = ("weights", "session")


def fuzz(name: str, seconds: str) -> None:
    """Search one reader; does not come back."""
    reader, corpus = inputs.READERS[name], Path(tempfile.mkdtemp(prefix="corpus-"))
    (corpus / "sound").write_bytes(SOUND[name]())

    def attempt(content: bytes) -> None:
        reader.attempt(("mnist-test-images.npy", content) if name == "folder" else content)

    def mutated(content: bytes, most: int, seed: int) -> bytes:
        if name in ZIPS:  # an entry is changed, and its checksum with it: else nothing would get past that
            try:
                return inputs.repacked(
                    content, random.Random(seed), lambda _, data: atheris.Mutate(data, len(data) + 64)
                )[:most]
            except inputs.UNREADABLE:
                pass
        return atheris.Mutate(content, most)

    options = [
        f"-max_total_time={seconds}",
        "-timeout=2",
        "-rss_limit_mb=600",
        "-max_len=100000",
        "-verbosity=0",
    ]
    options += [f"-artifact_prefix={corpus}-", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], attempt, custom_mutator=mutated)
    atheris.Fuzz()


def main() -> int:
    """Search them all, one after the other."""
    if len(sys.argv) == 3:
        fuzz(*sys.argv[1:])
    seconds, failed = [*sys.argv[1:], "60"][0], 0
    for name in SOUND:
        print(f"\n{name}", flush=True)
        failed += subprocess.run([sys.executable, __file__, name, seconds], check=False).returncode != 0
    print(f"\natheris {version('atheris')}: {failed} of {len(SOUND)} readers failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
