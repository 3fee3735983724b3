"""Famous experiments on this very network, live in seconds, with the paper's figure next to ours.

Each is a function from a network or settings, a data set and a seed to results, decorated with `demonstration`;
its texts are a table in ``demonstrations.toml``. A new one is a function, a table, and its place in ``all.py``.
"""

from explorer.extension import Command, Extension, LessonCard, Section, Tab

EXTENSION = Extension(
    "demonstrations",
    tabs=(Tab("demos", "Demonstrations", f"{__name__}.tab:Demonstrations", "Learn", before="lab"),),
    commands=(
        Command(
            "demo",
            "run a famous experiment, and compare it with its paper",
            f"{__name__}.demo_command:run",
            table=f"{__name__}:commands.toml",
        ),
    ),
    sections=(Section("findings", "Demonstrations in this session", f"{__name__}.presentation:described"),),
    lesson_cards=(LessonCard("demonstration", f"{__name__}.lesson:demonstrate"),),
    demonstrations=(f"{__name__}.all:DEMONSTRATIONS",),
)
