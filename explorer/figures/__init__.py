"""Pure builders: records and arrays in, Plotly figures out.

A figure that a live one follows comes in three parts: `*_traces` gives what changes with the data and `*_layout`
likewise for the layout, both as plain dicts; `*_style` gives what changes with the theme in the traces, and what
never changes. `*_figure` puts the three together. The number of traces and their order never change.

`theme` is "light" or "dark", and `class_names` holds the name of each class, in the order of the labels.

Nothing is imported here: the colours in `explorer.figures.palette` stay free of Plotly.
"""
