"""Pure builders: records and arrays in, Plotly figures out.

A figure that is also shown live has two parts: `*_data` returns the properties of the traces and the layout that
depend on the data, as plain dicts; `*_style` returns the properties of the traces that depend on the theme, and
the constant ones. `*_figure` combines the two. The number of traces and their order never change.

`theme` is "light" or "dark", and `class_names` holds the name of each class, in the order of the labels.

Nothing is imported here: the colors in `explorer.figures.palette` stay free of Plotly.
"""
