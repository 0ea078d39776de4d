"""Where blocks are stored, and what is reported of them."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from porescape.synthesis.blockwise.drafts import Draft
from porescape.synthesis.blockwise.plan import BlockIndex


class BlockStore(Protocol):
    """Where blocks, drafts and notes are stored; cheap to pickle, as workers store their own blocks."""

    def has_block(self, index: BlockIndex) -> bool:
        """Return whether a finished block is stored and intact."""

    def put_block(self, index: BlockIndex, pore: NDArray[np.bool_]) -> None:
        """Store a finished block."""

    def draft(self, index: BlockIndex, bits: bool = True) -> Draft | None:
        """Return a draft if it is stored and intact; without its bits if they are not wanted."""

    def put_draft(self, index: BlockIndex, draft: Draft) -> None:
        """Store a draft."""

    def drop_draft(self, index: BlockIndex) -> None:
        """Remove a draft if there is one."""

    def note(self, name: str) -> Any:
        """Return what was noted under a name, or None."""

    def put_note(self, name: str, value: Any) -> None:
        """Note numbers or words under a name."""


class BlockProgress(NamedTuple):
    """Progress: a stage has finished a block or, without a block, a stage begins.

    Attributes
    ----------
    stage : str
        "level": drafts are made; "blocks": blocks are finished.
    block : tuple of int or None
        Index of the block that the stage has finished.
    left : int
        Blocks that the stage has to make when it begins.
    words : str
        What the user should know.
    """

    stage: str
    block: BlockIndex | None = None
    left: int = 0
    words: str = ""
