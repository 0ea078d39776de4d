"""The micrographs behind points.csv: downloaded from their public repositories, or taken from a folder.

    python bench/mask/labels/micrographs.py --to bench/kept/labels
    python bench/mask/labels/micrographs.py --from FOLDER --to bench/kept/labels

A file is written only if its SHA-256 is the one that the points were labelled on. README.md beside this file
has licences and origins.
"""

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

TIMEOUT = 60  # seconds per file, chosen by hand; the largest file has 3.2 MB


@dataclass(frozen=True, slots=True)
class Micrograph:
    """Where one file of points.csv is from."""

    repository: str
    commit: str
    path: str
    sha256: str

    @property
    def address(self) -> str:
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{quote(self.path)}"


MICROGRAPHS = {  # file in points.csv -> its origin
    "cellular_C9-1_A_m08.tif": Micrograph(
        "RickGummy/SEM-Image-Processing-Toolkit",
        "2970f08f48009c2af81e60ef24d2a4ed1b83c414",
        "data/raw/C9-1_A_m08.tif",
        "788a6a2d9cbf56f0c3087972ec72c4a04b484301279cb2326c4c56c8f0030106",
    ),
    "cellular_C10-1_B_m05.tif": Micrograph(
        "RickGummy/SEM-Image-Processing-Toolkit",
        "2970f08f48009c2af81e60ef24d2a4ed1b83c414",
        "data/raw/C10-1_B_m05.tif",
        "55385802f1e1749dbd42ba60077b570d29d40a549b4df30865ec2fc88a78f9ae",
    ),
    "cellular_X10-1_A_m09.tif": Micrograph(
        "RickGummy/SEM-Image-Processing-Toolkit",
        "2970f08f48009c2af81e60ef24d2a4ed1b83c414",
        "data/raw/X10-1_A_m09.tif",
        "4b44ff2b535c8ff321ab577eccd39edc3f5bf488be453b6f066667b6d9cd95ee",
    ),
    "nanofibre_sample01.tif": Micrograph(
        "dvtxc/fibresem",
        "daab7ca2b9d3f7ae0080059d34b039ab88517ae9",
        "sampledata/sample.01_img08.tif",
        "011295d7c28aed1d0077d134937c099a6f2dc78faca72b7dcd7da06530e091b6",
    ),
    "sofc_network.jpg": Micrograph(
        "tldr-group/HR-Dv2",
        "107a1ad9142d117dd8f4e57d96de09b49e13492c",
        "notebooks/data/sofc.jpg",
        "61ed6220ba8046ecb80c43f0c0825d9bced8d559bd6b12c4da14e58133a8e1fe",
    ),
}


def bring(name: str, folder: Path | None = None) -> bytes:
    """The bytes of one micrograph of `MICROGRAPHS`, from `folder` if given, else downloaded.

    Raises
    ------
    ValueError
        If the bytes are not those that the points were labelled on.
    """
    micrograph = MICROGRAPHS[name]
    if folder is not None:
        content = (folder / name).read_bytes()
    else:
        with urlopen(micrograph.address, timeout=TIMEOUT) as answer:
            content = answer.read()
    found = hashlib.sha256(content).hexdigest()
    if found != micrograph.sha256:
        source = micrograph.address if folder is None else folder / name
        raise ValueError(
            f"{source} has SHA-256 {found}, but the points of {name} were labelled on a file with"
            f" {micrograph.sha256}; delete it and download it again"
        )
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--from", dest="folder", type=Path, help="folder with the files, named as in points.csv"
    )
    parser.add_argument("--to", type=Path, default=Path("bench/kept/labels"))
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    for name in MICROGRAPHS:
        (options.to / name).write_bytes(bring(name, options.folder))
        print(options.to / name)


if __name__ == "__main__":
    main()
