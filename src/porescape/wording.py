"""Names joined to a part of a sentence."""

from collections.abc import Sequence

MOST_NAMES = 4  # in a sentence; chosen by hand


def several(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Join names; of more than `most`, give the first ones and the number of the others.

    >>> several(["a", "b"]), several(list("abcdef"))
    ('a and b', 'a, b, c and 3 more')
    """
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])
