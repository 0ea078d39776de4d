"""Teach the network that sees the plane, from rendered pictures: what the package ships is made here.

    python bench/mask/teach.py --pictures FOLDER --out src/porescape/data/plane.npz
    python bench/mask/teach.py --pictures FOLDER --out held.npz --without fibres,packing

Needs PyTorch (`pip install torch`), which nothing else here does. Pictures are cuts through the volumes of
`materials.py`, shown by `porescape.render_micrograph` with looks drawn at random; they are made once and
kept in FOLDER. `--without` leaves out groups of materials, to be judged by.

The loss is the cross-entropy of pixels, those of thin walls and small pores weighing more, and the squared
error of the porosity of each piece of a picture. Pieces are turned, mirrored, and shown at 0.64 to 1.4 times
their own scale, because the unit length of a picture is not always found right; grey levels, sharpness, noise
and shading are changed once more, so that the network does not rely on how the renderer draws.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pictures import PER_MATERIAL, SEED, Picture, ours, pictures
from scipy import ndimage
from torch import nn

from porescape.section.plane.network import HALVINGS, Layer, Network, to_arrays
from porescape.section.plane.picture import inputs, scale_of, smaller, unit_length

CHANNELS = (12, 24, 48, 64)
SIDE = 192  # pixels of a piece
BATCH = 8
RATE = 3e-3  # of AdamW; rises over 100 steps and falls to nothing along a cosine
SCALES = (-0.45, 0.35)  # logarithm of the scale of a piece
VARIANTS = 4  # of each picture: its scale and its light
POROSITY = 5.0  # weight of the squared error of the porosity
THIN = 3.0  # how much more a pixel weighs whose surroundings are all of the other phase
NEAR = 3.0  # pixels; its surroundings


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


Shown = tuple[NDArray[np.float16], NDArray[np.float16]]  # as the network is given it; the truth


def shown_at(picture: Picture, unit: float, rng: np.random.Generator) -> Shown:
    """Return a picture as the network is given it, at a scale near its own, and its truth."""
    least = (SIDE + 1) / min(picture.grey.shape)
    factor = max(least, min(1.0, scale_of(unit) * float(np.exp(rng.uniform(*SCALES)))))
    given = inputs(relit(smaller(picture.grey, factor), rng), max(unit * factor, 1.5))
    truth = smaller(picture.solid.astype(np.float32), factor)
    return given.astype(np.float16), truth.astype(np.float16)


def relit(grey: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Change grey levels, sharpness, noise and shading of a picture, as another microscope would."""
    gamma, sharper = np.exp(rng.uniform(-0.4, 0.4)), rng.uniform(-0.6, 1.0)
    around = ndimage.gaussian_filter(grey, rng.uniform(0.6, 2.0))
    seen = np.clip(grey + sharper * (grey - around), 0, 1) ** gamma
    contrast = float(np.ptp(np.quantile(seen, (0.05, 0.95))))
    y, x = (np.linspace(-1, 1, n) for n in grey.shape)
    turn = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0, 0.4) * contrast * (np.cos(turn) * x + np.sin(turn) * y[:, None])
    noise = rng.exponential(0.04) * contrast * rng.standard_normal(grey.shape)
    return np.asarray(seen + slope + noise, dtype=np.float32)


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


def thin(truth: torch.Tensor) -> torch.Tensor:
    """Return the weight of each pixel, with mean 1: more where little of its own phase lies around."""
    around = truth.numpy()
    around = ndimage.gaussian_filter(around, (0, NEAR, NEAR), mode="reflect")
    weight = 1 + THIN * (truth - torch.from_numpy(around)).abs()
    return weight / weight.mean()


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
        truth = torch.from_numpy(np.stack(wanted).astype(np.float32))
        batch = torch.from_numpy(np.stack(given).astype(np.float32)).to(memory_format=torch.channels_last)
        logits = network(batch)
        share = torch.sigmoid(logits).mean((1, 2)) - truth.mean((1, 2))
        loss = nn.functional.binary_cross_entropy_with_logits(logits, truth, thin(truth))
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
    parser.add_argument("--steps", type=int, default=5000)
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
