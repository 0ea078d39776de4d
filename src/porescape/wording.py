"""Names and numbers as parts of a sentence."""

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


def beside(value: float, limit: float, decimals: int = 0) -> str:
    """Write a number that stands beside its limit, with enough digits to see on which side of it it is.

    >>> beside(7.96, 8.0), beside(7.2, 8.0), beside(8.0, 8.0), beside(0.149, 0.15, 2)
    ('7.96', '7', '8', '0.149')
    """
    for more in range(decimals, decimals + 4):
        text = f"{value:.{more}f}"
        if (float(text) < limit) == (value < limit) and (float(text) > limit) == (value > limit):
            return text
    return f"{value:.{decimals + 4}f}"
