"""Limits of what the page accepts, so that an upload cannot fill the disk or the memory."""

from dataclasses import dataclass

MB = 10**6


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits beyond which requests are refused at once.

    Attributes
    ----------
    upload : int
        Largest file [bytes].
    pixels : int
        Largest number of pixels of an image; grey values and their copies take about 14 bytes per pixel.
    pages : int
        Largest number of images in one file.
    drafts : int
        Largest number of jobs that were never started.
    waiting : int
        Largest number of jobs in the queue.
    free : int
        Free disk space that is never used [bytes].
    uploads : int
        Uploads received at the same time; others wait.
    upload_timeout : float
        Seconds without a byte after which an upload is stopped.
    preview_timeout : float
        Seconds that a preview of an image may take.
    """

    upload: int = 200 * MB
    pixels: int = 100_000_000
    pages: int = 300
    drafts: int = 100
    waiting: int = 50
    free: int = 200 * MB
    uploads: int = 6
    upload_timeout: float = 30.0
    preview_timeout: float = 120.0
