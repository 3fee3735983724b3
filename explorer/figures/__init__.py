"""Pure builders: records and arrays in, Plotly figures out.

A figure that a live one follows comes in two parts: `*_data` gives what changes with the data in the traces and in
the layout, as plain dicts (`*_traces` and `*_layout` where each changes by itself); `*_style` gives what changes
with the theme in the traces, and what never changes. `*_figure` puts the two together. The number of traces and
their order never change.

`theme` is "light" or "dark", and `class_names` holds the name of each class, in the order of the labels.

Nothing is imported here: the colours in `explorer.figures.palette` stay free of Plotly.
"""
