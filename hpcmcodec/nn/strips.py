"""Runs a graph of `lazy` over a rectangle of its result, strip by strip, with exactly the halos that its layers need.

Every node keeps the rows that later strips will need and nothing else; no row is computed twice. Results are the bits
of the whole: pieces end either at the picture's own border or beyond what the wanted rows depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from . import native
from .lazy import Array, Lazy, Reach, Span

Read = Callable[[Span, Span], Array]
"""(rows, columns) of the source -> array (1, C, rows, columns)."""


@dataclass
class _State:
    """How far a node has come: `data` holds the rows kept .. ready of the columns that its consumers need."""

    columns: Span
    start: int
    end: int = 0
    kept: int = 0
    ready: int = 0
    target: int = 0
    data: Array | None = None


class Plan:
    """The nodes behind a result, in order of computation."""

    def __init__(self, result: Lazy) -> None:
        self.result = result
        self.nodes: list[Lazy] = []
        self._collect(result, set())
        self.consumers: dict[Lazy, list[Lazy]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for child in dict.fromkeys(node.inputs):
                self.consumers[child].append(node)

    def _collect(self, node: Lazy, seen: set[Lazy]) -> None:
        if node in seen:
            return
        seen.add(node)
        for child in node.inputs:
            self._collect(child, seen)
        self.nodes.append(node)

    def needs(self, span: Span, axis: int) -> dict[Lazy, Span]:
        """What of every node the range `span` of the result needs along an axis: 2 rows, 3 columns."""
        found = {self.result: span}
        for node in reversed(self.nodes):
            for child in node.inputs:
                need = _clipped(node.reach, found[node], child.shape[axis])
                found[child] = need.hull(found[child]) if child in found else need
        return found

    def field(self, rows: Span, columns: Span) -> tuple[Span, Span]:
        """The rows and columns of the source that a rectangle of the result depends on."""
        return self.needs(rows, 2)[self.nodes[0]], self.needs(columns, 3)[self.nodes[0]]

    def bytes_per_row(self, columns: int | None = None) -> float:
        """Memory in use at the worst moment of a strip for each of its rows, float32, halos aside."""
        _, _, height, width = self.result.shape
        share = 1.0 if columns is None else min(1.0, columns / width)
        sizes = {node: 4 * float(np.prod(node.shape)) / height * share for node in self.nodes}
        left = {node: len(self.consumers[node]) for node in self.nodes}
        live = worst = 0.0
        for node in self.nodes:
            copies = sizes[node] + sum(sizes[child] for child in node.inputs)
            live += sizes[node]
            worst = max(worst, live + copies)
            for child in dict.fromkeys(node.inputs):
                left[child] -= 1
                live -= 0.0 if left[child] else sizes[child]
        return worst

    def run(self, read: Read, rows: Span, columns: Span, step: int) -> Iterator[tuple[Span, Array]]:
        """The rectangle `rows` x `columns` of the result in strips: (their rows, array (1, C, `step`, columns)).

        The source's rows are read in ascending order, each once.
        """
        wide = self.needs(columns, 3)
        states = {node: _State(wide[node], span.start) for node, span in self.needs(rows, 2).items()}
        for state in states.values():
            state.kept = state.ready = state.target = state.start
        for first in range(rows.start, rows.stop, step):
            strip = Span(first, min(first + step, rows.stop))
            self._aim(states, strip.stop)
            last = strip.stop == rows.stop
            for node in self.nodes:
                self._advance(node, states, read)
                for child in dict.fromkeys(node.inputs):
                    self._trim(child, states, last)
            data = states[self.result].data
            assert data is not None
            yield strip, data
            states[self.result].data, states[self.result].kept = None, strip.stop

    def _aim(self, states: dict[Lazy, _State], stop: int) -> None:
        """How far each node has to come for the result to reach `stop`."""
        states[self.result].target = stop
        for node in reversed(self.nodes):
            state = states[node]
            if state.target > state.ready:
                for child in node.inputs:
                    need = _clipped(node.reach, Span(state.ready, state.target), child.shape[2])
                    states[child].target = max(states[child].target, need.stop)

    def _advance(self, node: Lazy, states: dict[Lazy, _State], read: Read) -> None:
        state = states[node]
        rows = Span(state.ready, state.target)
        if rows.stop <= rows.start:
            return
        new = read(rows, state.columns) if node.run is None else _compute(node, rows, states)
        if state.data is None or state.kept == state.ready:
            state.data = new
        else:
            state.data = native.join_rows((state.data, new))
        state.ready = state.target

    def _trim(self, node: Lazy, states: dict[Lazy, _State], last: bool) -> None:
        """Drop the rows that no consumer will read again; consumers that are still to run in this strip need theirs."""
        state = states[node]
        waiting = [c for c in self.consumers[node] if states[c].ready < states[c].target]
        if state.data is None or (last and waiting):
            return
        if last:
            state.data, state.kept = None, state.ready
            return
        keep = state.ready
        for consumer in self.consumers[node]:
            begin = states[consumer].ready
            keep = min(keep, _clipped(consumer.reach, Span(begin, begin + 1), node.shape[2]).start)
        keep = max(keep, state.kept)
        if keep > state.kept:
            rest = state.data[:, :, keep - state.kept :]
            state.data = native.join_rows((rest,)) if rest.shape[2] else None
            state.kept = keep


def _clipped(reach: Reach, span: Span, size: int) -> Span:
    need = reach.needs(span).within(size)
    return need if need.start < need.stop else Span(min(need.start, size), min(need.start, size))


def _compute(node: Lazy, rows: Span, states: dict[Lazy, _State]) -> Array:
    """The rows of a node from what its inputs hold."""
    columns = states[node].columns
    pieces = []
    for child in node.inputs:
        state = states[child]
        need = _clipped(node.reach, rows, child.shape[2])
        wide = _clipped(node.reach, columns, child.shape[3])
        assert state.data is not None
        left = wide.start - state.columns.start
        pieces.append(
            state.data[:, :, need.start - state.kept : need.stop - state.kept, left : left + wide.stop - wide.start]
        )
    assert node.run is not None
    out = node.run(*pieces)
    top, left = rows.start - node.reach.result(need.start), columns.start - node.reach.result(wide.start)
    return out[:, :, top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]
