"""How much the page takes in, so that nobody fills the disk or the memory by dragging a file."""

from dataclasses import dataclass

MB = 10**6


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What is refused, in words, before it costs anything.

    Attributes
    ----------
    upload : int
        Largest file [bytes].
    pixels : int
        Most pixels of an image; grey and its copies take some 14 bytes for each.
    pages : int
        Most images in one file.
    drafts : int
        Most jobs that were never started.
    waiting : int
        Most jobs in the queue.
    free : int
        Bytes of disk that are left alone.
    uploads : int
        Files taken in at the same time; others wait for their turn.
    patience : float
        Seconds without a byte of an upload before it is given up.
    look : float
        Seconds that looking at an image may take.
    """

    upload: int = 200 * MB
    pixels: int = 100_000_000
    pages: int = 300
    drafts: int = 100
    waiting: int = 50
    free: int = 200 * MB
    uploads: int = 6
    patience: float = 30.0
    look: float = 120.0
