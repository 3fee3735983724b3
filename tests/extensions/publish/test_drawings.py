"""The page's reader of drawings, run by Node: each image equals Python's to the last gray level."""

import json
import subprocess
from pathlib import Path

import needs
import numpy as np
import pytest

from explorer.datasets.preprocessing import preprocess

NETWORK = Path(__file__).parents[3] / "explorer" / "extensions" / "publish" / "network.js"
READ = """
const { readFileSync } = await import("node:fs");
const [{ preprocessed }, inks, side] = [await import(process.argv[1]), readFileSync(0), Number(process.argv[2])];
const read = (_, k) => [...preprocessed(new Uint8Array(inks.subarray(k * 19600, (k + 1) * 19600)), side)];
console.log(JSON.stringify(Array.from({ length: inks.length / 19600 }, read)));
"""


@needs.NODE
@pytest.mark.parametrize("side", [28, 8, 63])
def test_drawings_are_prepared_as_in_python_halves_of_a_gray_level_too(side):
    rng, inks = np.random.default_rng(0), np.zeros((300, 140, 140), np.uint8)
    for ink in inks:
        height, width = rng.integers(1, 141, 2)
        gray = rng.choice([85, 128, 255], (height, width)) * (rng.random((height, width)) < rng.random())
        top, left = rng.integers(0, 141 - height), rng.integers(0, 141 - width)
        ink[top : top + height, left : left + width] = gray
    command = ["node", "--input-type=module", "-e", READ, NETWORK.as_uri(), str(side)]
    found = subprocess.run(command, input=inks.tobytes(), capture_output=True, check=True).stdout
    np.testing.assert_array_equal(json.loads(found), [preprocess(ink, side).ravel() for ink in inks])
