"""Where a job saves what is done, so that it can go on after an interruption."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from porescape.core.results import Replica, Trial


class Checkpoint(Protocol):
    """Where a job keeps what is done, so that it can go on after an interruption.

    Worker processes use it themselves, so it must be picklable. `porescape.io.runs.checkpoint` has one that
    is a folder.
    """

    def trials(self, replica: int) -> Sequence[Trial]:
        """Return the first trials of a replica's search, in order, as far as they are known."""

    def add_trial(self, replica: int, trial: Trial) -> None:
        """Keep a trial."""

    def finished(self) -> Collection[int]:
        """Return which replicas are there."""

    def replica(self, index: int) -> "Replica | None":
        """Return a replica, if it is there and whole."""

    def add_replica(self, replica: "Replica") -> None:
        """Keep a replica."""

    def numbers(self, name: str) -> Mapping[str, float] | None:
        """Return numbers that were kept under this name."""

    def add_numbers(self, name: str, numbers: Mapping[str, float]) -> None:
        """Keep numbers under a name."""


class NoCheckpoint:
    """For jobs that start anew when they are interrupted."""

    def trials(self, replica: int) -> Sequence[Trial]:
        """None."""
        return ()

    def add_trial(self, replica: int, trial: Trial) -> None:
        """Forget it."""

    def finished(self) -> Collection[int]:
        """None."""
        return ()

    def replica(self, index: int) -> "Replica | None":
        """None."""
        return None

    def add_replica(self, replica: "Replica") -> None:
        """Forget it."""

    def numbers(self, name: str) -> Mapping[str, float] | None:
        """None."""
        return None

    def add_numbers(self, name: str, numbers: Mapping[str, float]) -> None:
        """Forget them."""
