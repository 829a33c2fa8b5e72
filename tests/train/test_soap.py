"""SOAP: the paper's algorithm, step by step."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.train.soap import Soap  # noqa: E402

RATE, BETAS, EPSILON = 0.01, (0.9, 0.98), 1e-10


def by_the_paper(start: np.ndarray, gradients: np.ndarray, bases: tuple[bool, bool]) -> np.ndarray:
    """Algorithm 3 of arXiv 2409.11321 with bias corrections, in NumPy; the first gradient gives the bases alone."""
    w, (b1, b2) = start.copy(), BETAS
    m, v = np.zeros_like(w), np.zeros_like(w)
    products = [lambda g: g @ g.T, lambda g: g.T @ g]
    covariances = [product(gradients[0]) for product in products]
    turns = [np.linalg.eigh(c)[1][:, ::-1] if on else np.eye(len(c)) for c, on in zip(covariances, bases, strict=True)]
    for t, g in enumerate(gradients[1:], 1):
        left, right = turns
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (left.T @ g @ right) ** 2
        step = (left.T @ m @ right) / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + EPSILON)
        w = w - RATE * left @ step @ right.T
        covariances = [0.95 * c + 0.05 * product(g) for c, product in zip(covariances, products, strict=True)]
        for side in (side for side in (0, 1) if bases[side] and t % Soap._EVERY == 0):
            moved = covariances[side] @ turns[side]
            order = np.argsort(-(turns[side] * moved).sum(0), kind="stable")
            turns[side], v = np.linalg.qr(moved[:, order])[0], v.take(order, side)
    return w


@pytest.mark.parametrize("shape, bases", [((4, 2, 2, 1), (True, True)), ((4, 3, 2, 1), (True, False))])
def test_steps_are_the_papers(
    shape: tuple[int, ...], bases: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Soap, "_EVERY", 3)
    monkeypatch.setattr("hpcmcodec.train.soap._LARGEST_SIDE", 4)
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=shape), rng.normal(size=(11, *shape))
    parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
    soap = Soap([{"params": [parameter], "lr": RATE, "matrices": True}], BETAS, EPSILON)
    for gradient in gradients:
        parameter.grad = torch.from_numpy(gradient)
        soap.step()
    expected = by_the_paper(start.reshape(4, -1), gradients.reshape(11, 4, -1), bases)
    np.testing.assert_allclose(parameter.detach().numpy().reshape(4, -1), expected, rtol=1e-9, atol=1e-12)
