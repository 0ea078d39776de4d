"""Limits of uploads and jobs, so that no single file fills the disk or the memory."""

from dataclasses import dataclass

MB = 10**6


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Requests beyond these limits are refused with a message, before any work is done.

    Attributes
    ----------
    upload : int
        Largest file [bytes].
    pixels : int
        Most pixels of an image; the grey values and their copies take about 14 bytes per pixel.
    pages : int
        Most images in one file.
    drafts : int
        Most jobs that were never started.
    waiting : int
        Most jobs in the queue.
    free : int
        Bytes of disk that must stay free.
    uploads : int
        Files received at the same time; others wait.
    timeout : float
        Seconds without data after which an upload is abandoned.
    preview : float
        Most seconds for one request to the preview process.
    """

    upload: int = 200 * MB
    pixels: int = 100_000_000
    pages: int = 300
    drafts: int = 100
    waiting: int = 50
    free: int = 200 * MB
    uploads: int = 6
    timeout: float = 30.0
    preview: float = 120.0
