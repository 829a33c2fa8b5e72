"""Which branches of the second decoder the conformance files take: its source with a mark at every one.

A choice that the format has and no file shows is a branch that is never taken.
"""

from __future__ import annotations

import ast
import sys
import types
from pathlib import Path

FORMATS = Path(__file__).parents[1] / "formats"
Branch = tuple[str, int, str]
"""Module, line, which one: a statement's body, its `else`, a condition that was true or false."""


class _Marks(ast.NodeTransformer):
    """Puts marks into bodies and around conditions."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.all: set[Branch] = set()

    def _mark(self, line: int, which: str) -> ast.stmt:
        self.all.add((self.module, line, which))
        return ast.parse(f"TAKEN.add(({self.module!r}, {line}, {which!r}))").body[0]

    def _condition(self, test: ast.expr, truths: str = "TF") -> ast.expr:
        """The condition, each of its parts noted."""
        if isinstance(test, ast.Constant):
            return test
        if isinstance(test, ast.BoolOp):
            test.values = [self._condition(part) for part in test.values]
            return test
        self.all |= {(self.module, test.lineno, f"{which} {ast.unparse(test)}") for which in truths}
        name = f"({self.module!r}, {test.lineno}, {ast.unparse(test)!r})"
        noted = ast.parse(f"NOTE({name}, None)", mode="eval").body
        assert isinstance(noted, ast.Call)
        noted.args[1] = test
        return noted

    def visit_If(self, node: ast.If) -> ast.If:
        node.test = self._condition(node.test)
        self.generic_visit(node)
        return node

    visit_While = visit_IfExp = visit_If  # type: ignore[assignment]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.body.insert(0, self._mark(node.lineno, node.name))
        return node


def marked(*names: str) -> tuple[list[types.ModuleType], set[Branch], set[Branch]]:
    """Modules with marks, all branches that they have, and a set that those taken are put into."""
    every: set[Branch] = set()
    taken: set[Branch] = set()

    def note(place: tuple[str, int, str], value: object) -> object:
        taken.add((place[0], place[1], f"{'T' if value else 'F'} {place[2]}"))
        return value

    modules = []
    before = {name: sys.modules.get(name) for name in names}
    for name in names:
        marks = _Marks(name)
        path = FORMATS / f"{name}.py"
        tree = ast.fix_missing_locations(marks.visit(ast.parse(path.read_text())))
        module = types.ModuleType(name)
        module.__dict__.update(__file__=str(path), TAKEN=taken, NOTE=note)
        sys.modules[name] = module  # for the ones that import it, and for dataclasses
        exec(compile(tree, path, "exec"), module.__dict__)
        every |= marks.all
        modules.append(module)
    for name, old in before.items():
        if old is not None:
            sys.modules[name] = old
    return modules, every, taken
