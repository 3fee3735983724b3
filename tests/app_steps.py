"""What a user does in the app, and reads there, without a page."""

from dataclasses import replace

from explorer.training import Snapshot, Timeline
from explorer.training.query import read_query

PATIENCE = 60  # seconds; only a failing test waits as long
DIVERGING = read_query(
    "?preset=exercise&hidden=64,64,64&activation=relu&output=softmax&loss=cross_entropy&init=he&lr=100&batch=4"
)[0]
"""Settings whose loss is not a number within the first epoch."""


def send(widget, content, buffers=()):
    """Send a widget what the page would; what it raises fails the test."""
    for callback in widget._msg_callbacks.callbacks:
        callback(widget, content, list(buffers))


def run_of(app):
    return app.session.state.run


def open_tab(app, name, section=""):
    """Select a tab, and a section of it if one is named; return its panel, or the section's."""
    app.panels.tab_bar.selected, panel = name, app.panels[name]
    if not section:
        return panel
    panel.choice.value = section
    return panel[section]


def open_all_tabs(app):
    for name in app.panels.labels:
        app.panels.tab_bar.selected = name


def drawn(figure, name=""):
    """Return the visible traces of a figure, or of those the ones that are called so."""
    return [trace for trace in figure.plot.data if trace.visible and name in ("", trace.name)]


def hero(app):
    """The drawn network of the first tab."""
    return app.panels["overview"].network


def is_hidden(widget):
    return "explorer-hidden" in widget._dom_classes


def messages(app):
    """The messages on screen, by their ids."""
    found = {message["id"]: message for message in app.messages.messages}
    assert len(found) == len(app.messages.messages), "each has an id of its own"
    return found


def say(widget, content, *buffers):
    """Send a widget what the page would."""
    data = {"method": "custom", "content": content}
    widget.comm.handle_msg({"content": {"data": data}, "buffers": list(buffers)})


def set_controls(app, **changes):
    """Change settings; what they start may still run."""
    app.config = app.config.replace(**changes)


def change(app, **changes):
    """Change settings, and wait for the run."""
    set_controls(app, **changes)
    assert app.wait(PATIENCE)


def done(verb, *arguments, **options):
    """Call a method of an app, a session or a runner, and wait for the run."""
    verb(*arguments, **options)
    assert verb.__self__.wait(PATIENCE)


def choose_data(app, name):
    """Choose a data set, and wait for its run."""
    app.data.choose(name)
    assert app.wait(PATIENCE)


def retrain(app, **changes):
    """Train the present settings with some changes, to the end."""
    app.train(app.config.replace(**changes))
    assert app.wait(PATIENCE)


def train_on(app):
    """Train on from the selected epoch, to the end."""
    app.session.loop.guarded(app.session.fork)
    assert app.wait(PATIENCE)


def visit(app, query):
    """Go back or forward to a link, as the page does, and wait for its run."""
    say(app.header, {"visit": query})
    assert app.wait(PATIENCE)


def change_weights(app, change):
    """Show the run with changed weights in its newest moment."""
    run, moment = run_of(app), run_of(app).newest
    weights = tuple(change(array.copy()) for array in moment.weights)
    snapshot = Snapshot(moment.epoch, weights, moment.test_outputs)
    evaluation = replace(run.evaluation, snapshot=snapshot)
    app.session.open(replace(run, evaluation=evaluation, timeline=Timeline()))


def rewind(app, epoch):
    """Move the time bar to an epoch."""
    app.panels.time_bar.position = app.panels.time_bar.epochs.index(epoch)
