"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

# how long a test takes says more of the machine than of the code
settings.register_profile("porescape", deadline=None, derandomize=True)
settings.load_profile("porescape")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """The folder of shared real data; skips where it is not there."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there; these files are not part of the project")
    return SHARED
