"""Python functions rewritten to report each statement that they run, and the value of each expression.

They compute the same as before, in the same order: each expression is evaluated once, and its value passed on.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Any, Literal, cast

Kind = Literal["operand", "result", "made", "callee"]
STEP, VALUE = "\0step", "\0value"  # constants, which `connected` replaces
_BEFORE_BODY = re.compile(r"\s*(case |[#@].*)?\s*")
_NO_STEP = ast.Global | ast.Nonlocal | ast.Try | ast.TryStar
_ACCESS = ast.Name | ast.Attribute | ast.Subscript
_REPEATABLE = _ACCESS | ast.Constant | ast.Slice | ast.Tuple | ast.UnaryOp | ast.BinOp  # a comparison isn't


@dataclass(frozen=True, slots=True)
class Place:
    """A statement or an expression in a file: lines from 1, columns in characters from 0, the end excluded."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    """Its source in one line; of a statement with a body, what stands before it."""
    kind: Kind
    """What an expression is for its statement: found there, computed, assigned, received, returned or called."""
    statement: int
    """Of an expression, the index of its statement."""
    function: str
    lines: tuple[int, int]
    """The function around it, ``"Network.backward"``, and its first and last line."""
    loops: tuple[int, ...]
    """The loops in that function around a statement, each the index of the statement that begins a turn."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The functions of a file: their code, and the code that reports."""

    lines: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    codes: Mapping[CodeType, CodeType] = field(default_factory=dict)


@lru_cache(maxsize=64)
def rewritten(lines: tuple[str, ...], flags: int = 0) -> Rewritten:
    """Return the functions of a file or a cell, compiled with some flags; none if Python can't compile it."""
    options: Any = {"flags": flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, "dont_inherit": True}  # as in a cell
    with warnings.catch_warnings(action="ignore"), suppress(SyntaxError, ValueError, RecursionError):
        tree, writer = ast.parse("".join(lines)), _Writer(lines)
        units = [tree, *(ast.Module([one], []) for one in tree.body)]  # a cell is compiled by the statement
        plain = [code for unit in units for code in _functions(compile(unit, "", "exec", **options))]
        reporting = compile(ast.fix_missing_locations(writer.visit(tree)), "", "exec", **options)
        codes = dict(zip(plain, _functions(reporting) * 2, strict=True))
        return Rewritten(lines, tuple(writer.places), codes)
    return Rewritten()


def _functions(code: CodeType) -> list[CodeType]:
    parts = [one for one in code.co_consts if isinstance(one, CodeType)]
    return [one for part in parts for one in (part, *_functions(part))]


def connected(code: CodeType, path: str, calls: Mapping[str, Any]) -> CodeType:
    """Return rewritten code that calls ``STEP(index, what)``, and ``VALUE(index, value)``, which returns it.

    What begins is a ``"call"``, or a statement or turn, ``""``; or the ``"end"`` of a loop is reached.
    """
    parts = [connected(one, path, calls) if isinstance(one, CodeType) else one for one in code.co_consts]
    parts = [calls.get(one, one) if isinstance(one, str) else one for one in parts]
    return code.replace(co_consts=tuple(parts), co_filename=path)


class _Writer(ast.NodeTransformer):
    """Adds the calls of the probe; `places` lists what their indices stand for."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.places, self._lines = list[Place](), lines
        self._scope, self._function, self._node = "", "", cast(Any, None)
        self._statement, self._loops = -1, tuple[int, ...]()

    def visit(self, node: ast.AST) -> Any:
        """Return a node that reports, or several in place of a statement."""
        match node:
            case ast.ClassDef():
                with self._within(_scope=f"{self._scope}{node.name}.", _function=""):
                    return self.generic_visit(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return [*([self._step(node)] if self._function else []), self._definition(node)]
            case ast.Lambda():
                with self._within(_function=f"{self._scope}<lambda>", _node=node, _loops=()):
                    begin = self._step(node, "call").value
                    node.body = ast.BoolOp(ast.Or(), [begin, self.visit(node.body)])
                return node
            case _ if not self._function or isinstance(node, _NO_STEP):
                return self.generic_visit(node)  # what runs when a file is imported is not recorded
            case ast.For() | ast.AsyncFor() | ast.While():
                return self._loop(node)
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign(value=ast.expr()):
                return self._assignment(node)
            case ast.ExceptHandler() | ast.match_case():
                node.body = self._all(node.body)
                return node
            case ast.Expr(ast.Constant()) | ast.UnaryOp(operand=ast.Constant()) | ast.JoinedStr():
                return node
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                step, node.value = self._step(node), self._value(value, "made", self._chain(value))
                return [step, node]
            case ast.stmt():
                return [self._step(node), self.generic_visit(node)]
            case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) | ast.Subscript(ctx=ast.Load()):
                return self._value(node, "operand", self._chain(node))
            case ast.Call(func=called):  # of a method, the array before it is a value, too
                visit = self.generic_visit if isinstance(called, ast.Attribute) else self._chain
                node.func = self._value(called, "callee", visit(called))
                node.args, node.keywords = self._all(node.args), self._all(node.keywords)
                return self._value(node, "result", node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                node.generators[0].iter = self.visit(node.generators[0].iter)  # the rest runs turn by turn
                return self._value(node, "result", node)
            case ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.IfExp() | ast.NamedExpr() | ast.UnaryOp():
                return self._value(node, "result", self.generic_visit(node))
        return self.generic_visit(node)

    def _definition(self, node: Any) -> ast.stmt:
        scope, given = f"{self._scope}{node.name}", node.args
        found = (*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg)
        names = [ast.copy_location(ast.Name(one.arg, ast.Store()), one) for one in found if one]
        first = 0 if ast.get_docstring(node, clean=False) is None else 1
        with self._within(_scope=f"{scope}.", _function=scope, _node=node, _loops=()):
            begin = [self._step(node, "call"), *self._read(*names)]
            node.body = [*node.body[:first], *begin, *self._all(node.body[first:])]
        return cast(ast.stmt, node)

    def _loop(self, node: Any) -> list[ast.stmt]:
        begin = list[ast.Expr]()
        if not isinstance(node, ast.While):
            begin, node.iter = [self._step(node)], self.visit(node.iter)
        with self._within(_loops=(*self._loops, len(self.places) + 1)):
            end, turn = self._step(node, "end"), [self._step(node)]
            if isinstance(node, ast.While):
                node.test = ast.BoolOp(ast.Or(), [turn.pop().value, self.visit(node.test)])
            else:
                turn += self._read(node.target)
            node.body = [*turn, *self._all(node.body)]
        node.orelse = [end, *self._all(node.orelse)]  # runs unless something leaves the loop
        return [*begin, node]

    def _assignment(self, node: Any) -> list[ast.stmt]:
        step, node.value = self._step(node), self.visit(node.value)
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if isinstance(node, ast.AugAssign):
            return [step, *self._read(*targets, kind="operand"), node, *self._read(*targets)]
        for one in targets:
            if isinstance(one, ast.Name | ast.Attribute):  # a property need not be readable
                node.value = self._value(one, "made", node.value)
        targets = [one for one in targets if not isinstance(one, ast.Name | ast.Attribute)]
        return [step, node, *self._read(*targets)]

    def _read(self, *targets: ast.expr, kind: Kind = "made") -> Iterator[ast.Expr]:
        """Yield what reports the values of targets: of ``h[h < 0]`` that of h, of ``a, b[i]`` that of a."""
        for one in (part for t in targets for part in ast.walk(t) if part is t or isinstance(part, ast.Name)):
            if isinstance(one, _ACCESS) and isinstance(one.ctx, ast.Store):
                while isinstance(one, ast.Subscript) and not _is_repeatable(one):
                    one = one.value
                if _is_repeatable(one) and getattr(one, "id", "") not in {"self", "cls"}:
                    read: Any = copy(one)
                    read.ctx = ast.Load()
                    yield ast.Expr(self._value(one, kind, read))

    def _chain(self, node: ast.expr) -> Any:
        """Visit the indices in ``self.W[i].T``, and what it begins with unless that is a name."""
        if not isinstance(node, _ACCESS):
            return self.visit(node)
        if isinstance(node, ast.Subscript):
            node.slice = self.visit(node.slice)
        if not isinstance(node, ast.Name):
            node.value = self._chain(node.value)
        return node

    def _all(self, nodes: Iterable[Any]) -> list[Any]:
        found = map(self.visit, nodes)  # one for each, or several
        return [one for some in found for one in (some if isinstance(some, list) else [some])]

    def _step(self, node: Any, what: str = "") -> ast.Expr:
        self._statement = len(self.places)
        return ast.Expr(self._value(node, "result", ast.Constant(what), STEP))

    def _value(self, node: Any, kind: Kind, value: Any, called: str = VALUE) -> ast.expr:
        """Return a call that reports, with a new place."""
        body: Any = [case.pattern for case in getattr(node, "cases", ())] or getattr(node, "body", None)
        first = body[0] if isinstance(body, list) else None
        line, column = (first.lineno, first.col_offset) if first else (node.end_lineno, node.end_col_offset)
        rows = [*self._lines[node.lineno - 1 : line]]
        start = len(rows[0].encode()[: node.col_offset].decode())  # the syntax tree counts bytes
        rows[-1] = rows[-1].encode()[:column].decode()
        while first and _BEFORE_BODY.fullmatch(rows[-1]):
            rows.pop()
        text = node.id if isinstance(node, ast.Name) else " ".join("".join(rows)[start:].split())
        last, last_column = node.lineno + len(rows) - 1, len(rows[-1].rstrip())
        about = self._statement, self._function, (self._node.lineno, self._node.end_lineno), self._loops
        self.places.append(Place(node.lineno, start, last, last_column, text, kind, *about))
        call = ast.Call(ast.Constant(called), [ast.Constant(len(self.places) - 1), value], [])
        return ast.copy_location(call, node)

    @contextmanager
    def _within(self, **changes: Any) -> Iterator[None]:
        before = {name: getattr(self, name) for name in ("_statement", *changes)}
        vars(self).update(changes)
        yield
        vars(self).update(before)


def _is_repeatable(node: ast.AST) -> bool:
    return all(isinstance(part, _REPEATABLE) for part in ast.walk(node) if isinstance(part, ast.expr))
