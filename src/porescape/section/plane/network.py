"""A small convolutional network (U-Net) as plain data, run with numpy.

Each of its layers is a mean over 3 x 3 pixels with learned weights, and a rectifier; the picture is halved
three times, so that a pixel is judged by its surroundings, and brought back beside the finer copies.

References
----------
Ronneberger, Fischer and Brox (2015), U-Net, MICCAI 2015, Lecture Notes in Computer Science 9351, 234.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porescape.section.plane.picture import Stack

AT_ONCE = 1 << 12  # pixels; what is copied for them fits into a processor's cache
HALVINGS = 3
BLOCK = 1 << HALVINGS  # sizes must be multiples of this
MARGIN = 56  # pixels; nothing farther away reaches a pixel


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Weights of shape (9, inputs, outputs), or (1, inputs, outputs) of the last layer; biases (outputs,)."""

    weight: Stack
    bias: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Two layers for each size going down, the same coming back, and a last one that mixes channels."""

    down: tuple[tuple[Layer, Layer], ...]
    up: tuple[tuple[Layer, Layer], ...]
    last: Layer


def answer(network: Network, picture: Stack) -> NDArray[np.float32]:
    """Return the logit of each pixel; sides must be multiples of `BLOCK`."""
    return np.asarray((hidden(network, picture) @ network.last.weight[0] + network.last.bias)[..., 0])


def hidden(network: Network, picture: Stack) -> Stack:
    """Return what the last layer is given, (ny, nx, channels); its logit is a weighted sum of these."""
    kept: list[Stack] = []
    now = picture
    for depth, pair in enumerate(network.down):
        now = _twice(now, pair)
        if depth < HALVINGS:
            kept.append(now)
            ny, nx, channels = now.shape
            now = now.reshape(ny // 2, 2, nx // 2, 2, channels).mean(axis=(1, 3))
    for pair in network.up:
        now = _twice(np.concatenate([_doubled(now), kept.pop()], axis=-1), pair)
    return now


def _twice(now: Stack, pair: tuple[Layer, Layer]) -> Stack:
    for layer in pair:
        now = _convolved(now, layer)
    return now


def _convolved(now: Stack, layer: Layer) -> Stack:
    """Weigh 3 x 3 neighbours, a strip of rows at a time; outside there are zeros.

    Neighbours along x are copied beside each other, those along y are rows of the same copy: a strip that
    stays in the processor's cache is several times as fast as one of all nine.
    """
    ny, nx, channels = now.shape
    padded = np.pad(now, ((1, 1), (1, 1), (0, 0)))
    outputs = layer.weight.shape[-1]
    by_row = layer.weight.reshape(3, 3 * channels, outputs)
    found = np.empty((ny, nx, outputs), dtype=np.float32)
    rows = min(max(1, AT_ONCE // nx), ny)
    near = np.empty((rows + 2, nx, 3 * channels), dtype=np.float32)
    part = np.empty((rows * nx, outputs), dtype=np.float32)
    for top in range(0, ny, rows):
        high = min(rows, ny - top)
        for dx in range(3):
            near[: high + 2, :, dx * channels : (dx + 1) * channels] = padded[
                top : top + high + 2, dx : dx + nx
            ]
        flat, own = near.reshape(-1, 3 * channels), found[top : top + high].reshape(-1, outputs)
        count = high * nx
        np.matmul(flat[:count], by_row[0], out=own)
        for dy in (1, 2):
            own += np.matmul(flat[dy * nx : dy * nx + count], by_row[dy], out=part[:count])
        own += layer.bias
        np.maximum(own, 0, out=own)
    return found


def _doubled(now: Stack) -> Stack:
    """Return twice as many pixels along both axes, linear in between."""
    for axis in (0, 1):
        last = now.shape[axis] - 1
        before = now.take(np.maximum(np.arange(last + 1) - 1, 0), axis)
        after = now.take(np.minimum(np.arange(last + 1) + 1, last), axis)
        pair = np.stack([0.25 * before + 0.75 * now, 0.75 * now + 0.25 * after], axis=axis + 1)
        shape = list(now.shape)
        shape[axis] *= 2
        now = pair.reshape(shape)
    return np.asarray(now, dtype=np.float32)


def to_arrays(network: Network) -> dict[str, NDArray[np.float32]]:
    """Return a network as named arrays, for a file of plain data."""
    arrays = {"last/weight": network.last.weight, "last/bias": network.last.bias}
    for way, pairs in (("down", network.down), ("up", network.up)):
        for depth, pair in enumerate(pairs):
            for index, layer in enumerate(pair):
                name = f"{way}/{depth}/{index}"
                arrays |= {f"{name}/weight": layer.weight, f"{name}/bias": layer.bias}
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[np.floating]]) -> Network:
    """Return the network of named arrays, as `to_arrays` made them; half precision will do."""

    def layer(name: str) -> Layer:
        return Layer(*(np.asarray(arrays[f"{name}/{what}"], dtype=np.float32) for what in ("weight", "bias")))

    def pairs(way: str, count: int) -> tuple[tuple[Layer, Layer], ...]:
        return tuple((layer(f"{way}/{depth}/0"), layer(f"{way}/{depth}/1")) for depth in range(count))

    return Network(pairs("down", HALVINGS + 1), pairs("up", HALVINGS), layer("last"))
