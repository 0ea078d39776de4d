"""Teach the network that sees the plane, from rendered pictures: what the package ships is made here.

    python bench/mask/teach.py --pictures FOLDER --out src/porescape/data/plane.npz
    python bench/mask/teach.py --pictures FOLDER --out held.npz --without fibres,packing

Needs PyTorch (`pip install torch`), which nothing else here does. Pictures are cuts through the volumes of
`materials.py`, shown by `porescape.render_micrograph` with looks drawn at random; they are made once and
kept in FOLDER. `--without` leaves out groups of materials, to be judged by.

The loss is the cross-entropy of pixels and the squared error of the porosity of each piece of a picture.
Pieces are turned, mirrored, and shown at 0.64 to 1.4 times their own scale, because the unit length of a
picture is not always found right.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pictures import PER_MATERIAL, SEED, Picture, ours, pictures
from torch import nn

from porescape.section.plane.network import HALVINGS, Layer, Network, to_arrays
from porescape.section.plane.picture import inputs, scale_of, smaller, unit_length

CHANNELS = (12, 24, 48, 64)
SIDE = 192  # pixels of a piece
BATCH = 8
RATE = 3e-3  # of AdamW; rises over 100 steps and falls to nothing along a cosine
SCALES = (-0.45, 0.35)  # logarithm of the scale of a piece
VARIANTS = 2  # of the scale of each picture
POROSITY = 1.0  # weight of the squared error of the porosity


class Pair(nn.Sequential):
    """Two layers of 3 x 3, each normalised over the batch and rectified."""

    def __init__(self, inside: int, outside: int) -> None:
        layers: list[nn.Module] = []
        for channels in (inside, outside):
            layers += [nn.Conv2d(channels, outside, 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(outside), nn.ReLU()]
        super().__init__(*layers)

    def plain(self) -> tuple[Layer, Layer]:
        """Return the layers with what normalises them worked in."""
        return self._plain(0), self._plain(3)

    def _plain(self, at: int) -> Layer:
        convolution, norm = self[at], self[at + 1]
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = (convolution.weight * gain[:, None, None, None]).permute(2, 3, 1, 0)
        bias = norm.bias - norm.running_mean * gain
        return Layer(_array(weight.reshape(9, *weight.shape[2:])), _array(bias))


class UNet(nn.Module):
    """The same network as `porescape.section.plane.network`, to be taught."""

    def __init__(self) -> None:
        super().__init__()
        c = CHANNELS
        self.down = nn.ModuleList(Pair(a, b) for a, b in zip((2, *c), c, strict=False))
        self.up = nn.ModuleList(Pair(c[k + 1] + c[k], c[k]) for k in reversed(range(HALVINGS)))
        self.last = nn.Conv2d(c[0], 1, 1)

    def forward(self, now: torch.Tensor) -> torch.Tensor:
        """Return the logits of a batch, (n, ny, nx)."""
        kept = []
        for depth, pair in enumerate(self.down):
            now = pair(now)
            if depth < HALVINGS:
                kept.append(now)
                now = nn.functional.avg_pool2d(now, 2)
        for pair in self.up:
            doubled = nn.functional.interpolate(now, scale_factor=2, mode="bilinear", align_corners=False)
            now = pair(torch.cat([doubled, kept.pop()], 1))
        return self.last(now)[:, 0]

    def plain(self) -> Network:
        """Return the network as plain arrays."""
        last = Layer(_array(self.last.weight[:, :, 0, 0].T[None]), _array(self.last.bias))
        return Network(
            tuple(pair.plain() for pair in self.down), tuple(pair.plain() for pair in self.up), last
        )


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor.detach().numpy().astype(np.float32)


Shown = tuple[NDArray[np.float32], NDArray[np.float32]]  # as the network is given it; the truth


def shown_at(picture: Picture, unit: float, rng: np.random.Generator) -> Shown:
    """Return a picture as the network is given it, at a scale near its own, and its truth."""
    least = (SIDE + 1) / min(picture.grey.shape)
    factor = max(least, min(1.0, scale_of(unit) * float(np.exp(rng.uniform(*SCALES)))))
    given = inputs(smaller(picture.grey, factor), max(unit * factor, 1.5))
    return given, smaller(picture.solid.astype(np.float32), factor)


def piece(shown: Shown, rng: np.random.Generator) -> Shown:
    """Return a piece of a picture, (2, SIDE, SIDE), turned and mirrored, and its truth."""
    given, wanted = shown
    top, left = (int(rng.integers(0, n - SIDE + 1)) for n in wanted.shape)
    where = slice(top, top + SIDE), slice(left, left + SIDE)
    turns = int(rng.integers(4))
    given, wanted = np.rot90(given[where], turns), np.rot90(wanted[where], turns)
    if rng.random() < 0.5:
        given, wanted = given[:, ::-1], wanted[:, ::-1]
    return np.ascontiguousarray(given.transpose(2, 0, 1)), np.ascontiguousarray(wanted)


def teach(taught_by: Sequence[Picture], steps: int, seed: int = 0) -> Network:
    """Teach a network; the same pictures, steps and seed give the same network on one machine."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    shown = [
        shown_at(picture, unit_length(picture.grey), rng) for picture in taught_by for _ in range(VARIANTS)
    ]
    network = UNet().to(memory_format=torch.channels_last)
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    start, losses = time.perf_counter(), []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * step / steps))
        chosen = rng.integers(len(shown), size=BATCH)
        given, wanted = zip(*(piece(shown[k], rng) for k in chosen), strict=True)
        truth = torch.from_numpy(np.stack(wanted))
        batch = torch.from_numpy(np.stack(given)).to(memory_format=torch.channels_last)
        logits = network(batch)
        share = torch.sigmoid(logits).mean((1, 2)) - truth.mean((1, 2))
        loss = nn.functional.binary_cross_entropy_with_logits(logits, truth)
        optimiser.zero_grad()
        (loss + POROSITY * share.square().mean()).backward()
        optimiser.step()
        losses.append(loss.item())
        if step % 100 == 99:
            print(
                f"{step + 1} of {steps}: {np.mean(losses[-100:]):.4f}, {time.perf_counter() - start:.0f} s",
                flush=True,
            )
    network.eval()
    return network.plain()


def main() -> None:
    """Make what the package ships, or the same without some groups of materials."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--per-material", type=int, default=PER_MATERIAL)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--without", default="", help="groups, with commas")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    without = set(filter(None, arguments.without.split(",")))
    shown = [
        picture
        for picture in pictures(arguments.pictures, "ours", ours, arguments.per_material, SEED)
        if picture.group not in without
    ]
    print(f"{len(shown)} pictures", flush=True)
    network = teach(shown, arguments.steps)
    half = {name: array.astype(np.float16) for name, array in to_arrays(network).items()}
    np.savez_compressed(arguments.out, allow_pickle=False, **half)
    print(f"{arguments.out}, {arguments.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
