"""Measuring in one run: the whole measurement of one replica, then each solver beside other packages.

    python bench/measure.py --size 128 --rivals 100 200 --rival-python OTHER/bin/python

The replica is the default recipe's kind of structure at porosity 0.6. Rivals (PoreSpy, OpenPNM, taufactor)
run in processes of their own, on one thread like ours, with the interpreter that has them; those that are
not installed are left out in words. See `diffusion.py`, `network.py`, `intrusion.py` and `permeability.py`
for each alone.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from common import ONE_THREAD, gaussian_field, peak_mb

if __name__ == "__main__":
    os.environ.update(ONE_THREAD)

from porescape.core.volume import Volume
from porescape.measure.volume import measure_volume

HERE = Path(__file__).parent


def whole(size: int) -> None:
    """Print what every step of one replica's measurement takes."""
    measure_volume(Volume(gaussian_field(32), 1e-7))  # compiles
    volume = Volume(gaussian_field(size), 1e-7)
    held = peak_mb()
    clock, cpu = time.perf_counter(), time.process_time()
    found = measure_volume(volume)
    wall, cpu = time.perf_counter() - clock, time.process_time() - cpu
    print(f"## everything at {size}³, porosity {volume.porosity:.2f}, one thread\n")
    print("| step | seconds |\n|---|---|")
    for step, seconds in found.seconds.items():
        print(f"| {step} | {seconds:.2f} |")
    print(f"| **all** | **{wall:.1f}** ({cpu:.1f} of processor time) |")
    print(f"\npeak memory {peak_mb():.0f} MiB, {held:.0f} before; missing: {found.reasons or 'nothing'}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rivals", type=int, nargs="*", default=[100, 200], help="sizes to race at")
    parser.add_argument("--rival-python", default=sys.executable, help="that has the other packages")
    options = parser.parse_args()
    whole(options.size)
    if options.rivals:
        sizes = [str(size) for size in options.rivals]
        print("## diffusion\n", flush=True)
        command = [sys.executable, str(HERE / "diffusion.py"), "--rival-python", options.rival_python]
        subprocess.run([*command, "--sizes", *sizes], check=True)
        print("\n## network", flush=True)
        subprocess.run([options.rival_python, str(HERE / "network.py"), "--sizes", *sizes], check=True)
        print("\n## mercury intrusion", flush=True)
        command = [sys.executable, str(HERE / "intrusion.py"), "--rival-python", options.rival_python]
        subprocess.run([*command, "--sizes", *sizes], check=True)


if __name__ == "__main__":
    main()
