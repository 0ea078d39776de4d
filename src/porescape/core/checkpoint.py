"""Where a run saves finished work, so that it can continue after an interruption."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from porescape.core.results import Replica, Trial


class Checkpoint(Protocol):
    """Where a run saves finished work, so that it can continue after an interruption.

    Worker processes use it too, so it must be picklable. `porescape.io.runs.checkpoint` has one that saves
    to a folder.
    """

    def trials(self, replica: int) -> Sequence[Trial]:
        """Return the first trials of a replica's search, in order, as far as they are known."""

    def add_trial(self, replica: int, trial: Trial) -> None:
        """Save a trial."""

    def finished(self) -> Collection[int]:
        """Return which replicas are saved."""

    def replica(self, index: int) -> "Replica | None":
        """Return a replica if it is saved and intact."""

    def add_replica(self, replica: "Replica") -> None:
        """Save a replica."""

    def numbers(self, name: str) -> Mapping[str, float] | None:
        """Return the numbers saved under this name."""

    def add_numbers(self, name: str, numbers: Mapping[str, float]) -> None:
        """Save numbers under a name."""


class NoCheckpoint:
    """For runs that start from the beginning after an interruption: saves nothing."""

    def trials(self, replica: int) -> Sequence[Trial]:
        """None."""
        return ()

    def add_trial(self, replica: int, trial: Trial) -> None:
        """Do nothing."""

    def finished(self) -> Collection[int]:
        """None."""
        return ()

    def replica(self, index: int) -> "Replica | None":
        """None."""
        return None

    def add_replica(self, replica: "Replica") -> None:
        """Do nothing."""

    def numbers(self, name: str) -> Mapping[str, float] | None:
        """None."""
        return None

    def add_numbers(self, name: str, numbers: Mapping[str, float]) -> None:
        """Do nothing."""
