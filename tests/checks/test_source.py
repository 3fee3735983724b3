"""Source as on a blackboard: the file's own lines, but for docstrings, types, guards, and where arguments are."""

import ast
import inspect
from textwrap import dedent

import pytest

from explorer.checks.mistakes import plain_lines, plain_source
from explorer.datasets import augmentation
from explorer.network import activations, initializers, losses, methods, network, optimizers, regularization
from explorer.network.neural_network import NeuralNetwork

GUARDS = {"of_floats", "of_one_shape"}
MODULES = activations, initializers, losses, methods, network, optimizers, regularization, augmentation
THINGS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": thing
    for module in MODULES
    for name, thing in vars(module).items()
    if (inspect.isfunction(thing) or inspect.isclass(thing)) and thing.__module__ == module.__name__
} | {"NeuralNetwork": NeuralNetwork}


class Bare(ast.NodeTransformer):
    """Takes from a syntax tree what a blackboard doesn't have."""

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.returns = None
        node.decorator_list = [item for item in node.decorator_list if ast.unparse(item) not in GUARDS]
        node.body = [
            ast.Assign([item.target], item.value, lineno=item.lineno)
            if isinstance(item, ast.AnnAssign) and item.value
            else item
            for item in self.without_docstring(node)
        ]
        return node

    def visit_ClassDef(self, node):
        self.generic_visit(node)
        node.body = self.without_docstring(node)
        return node

    def visit_arg(self, node):
        node.annotation = None
        return node

    def without_docstring(self, node):
        return node.body[ast.get_docstring(node) is not None :]


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_it_is_the_same_code(thing):
    whole = Bare().visit(ast.parse(dedent(inspect.getsource(thing))))
    assert ast.unparse(ast.parse(plain_source(thing))) == ast.unparse(whole)


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_each_line_stands_in_its_file_under_its_number(thing):
    lines = dict(enumerate(inspect.getsource(inspect.getmodule(thing)).splitlines(), 1))
    indented = min(
        len(line) - len(line.lstrip()) for line in inspect.getsourcelines(thing)[0] if line.strip()
    )
    for number, line in plain_lines(thing).items():
        if " def " in f" {line}":
            assert lines[number].split("(")[0] == " " * indented + line.split("(")[0]
        elif line != lines[number][indented:]:  # its type is left out
            assert line.split(" = ")[0] == lines[number][indented:].split(": ")[0]
            assert line.split(" = ")[1] == lines[number].split(" = ")[1]


def one_line(x: int) -> int: return x  # fmt: skip


def with_a_comment(x: int, y: str = "é") -> list[int]:
    # It comes before the first statement.
    doubled: list[int] = [x] * 2
    return doubled if y else []


def test_comments_and_one_liners_are_kept_and_arguments_are_one_line():
    assert plain_source(augmentation.transform).splitlines()[0] == (
        "def transform(images, right=0.0, down=0.0, degrees=0.0, size=1.0, elastic=0.0, rng=None):"
    )
    assert plain_source(activations.sigmoid).startswith('@np.errstate(over="ignore")  # where')
    assert plain_source(one_line).startswith("def one_line(x: int) -> int: return x")
    assert plain_source(with_a_comment) == (
        'def with_a_comment(x, y="é"):\n    # It comes before the first statement.\n'
        "    doubled = [x] * 2\n    return doubled if y else []"
    )
