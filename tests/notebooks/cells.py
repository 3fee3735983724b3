"""Runs the code cells of a notebook one after the other, up to a given one, and says what each of them raised.

    python cells.py NOTEBOOK ID

prints a line for each cell that raised: its id, the error's name, and the message. Cells tagged "slow" are left
out.
"""

import json
import sys
from pathlib import Path

notebook = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
names = {}
for cell in notebook["cells"]:
    if cell["cell_type"] != "code" or "slow" in cell["metadata"].get("tags", ()):
        continue
    try:
        exec("".join(cell["source"]), names)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what is asked for
        print(cell["id"], type(error).__name__, error, sep="\t")
    if cell["id"] == sys.argv[2]:
        break
