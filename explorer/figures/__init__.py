"""Pure builders: records and arrays in, Plotly figures out.

Each figure comes in three parts that stand on their own, so that a live figure can follow a run cheaply:
`*_traces` gives what changes with the data and `*_layout` likewise for the layout, both as plain dicts;
`*_style` gives what changes with the theme. `*_figure` puts the three together.

Nothing is imported here: the colours in `explorer.figures.palette` stay free of Plotly.
"""
