"""The tree of errors; each has the exit code with which the command line ends.

::

    PorescapeError            1   anything unexpected is a plain exception, also exit code 1
    ├── SettingsError         2   an option or a recipe makes no sense
    ├── InputError            3   the image or volume cannot be used
    │   └── PixelSizeMissing  3   nothing says how large a pixel is
    ├── OutputError           4   the result cannot be written
    ├── MissingExtra          5   an optional package is needed
    ├── SomeFailed            6   some images of a batch failed, the others are done
    └── Cancelled           130   stopped by the user
"""


class PorescapeError(Exception):
    """Base of all errors shown to users; the message says what was found, what is required, what to try."""

    exit_code = 1


class SettingsError(PorescapeError, ValueError):
    """A setting has an impossible value."""

    exit_code = 2


class InputError(PorescapeError, ValueError):
    """An input file or array cannot be used."""

    exit_code = 3


class PixelSizeMissing(InputError):
    """Neither the user nor the file gives the pixel size."""


class OutputError(PorescapeError, OSError):
    """A result cannot be written at the given place."""

    exit_code = 4


class MissingExtra(PorescapeError, ImportError):
    """A feature needs an optional package, installed by an extra."""

    exit_code = 5


class SomeFailed(PorescapeError):
    """Some images of a batch failed; the others are done."""

    exit_code = 6


class Cancelled(PorescapeError):
    """The user stopped the work."""

    exit_code = 130
