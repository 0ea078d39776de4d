"""Lengths at the door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porescape.errors import SettingsError
from porescape.units import EXACT, SAME, agree, format_length, parse_length, unit_named


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("0.1 um", 1e-7),
        ("543 pm", 5.43e-10),
        ("1e2nm", 1e-7),
        ("2.5 µm", 2.5e-6),
        ("3 μm", 3e-6),
        ("1 Å", 1e-10),
    ],
)
def test_a_length_is_read_to_the_last_digit(text: str, metres: float) -> None:
    assert parse_length(text) == metres


@pytest.mark.parametrize("text", ["", "5", "five nm", "5 inch", "nm", "1..2 um"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="length"):
        parse_length(text)


@pytest.mark.parametrize("text", ["0 nm", "-3 um", "1e400 m"])
def test_a_length_is_positive_and_finite(text: str) -> None:
    with pytest.raises(SettingsError, match="must be positive and finite"):
        parse_length(text)


@given(st.floats(1e-12, 10))
def test_a_length_survives_being_shown(metres: float) -> None:
    assert parse_length(format_length(metres, digits=17)) == pytest.approx(metres, rel=1e-12)


@pytest.mark.parametrize(
    ("names", "unit"),
    [
        (("um", "micron", "Microns", "micrometer", "micrometres", r"\u00B5m", "Âµm"), 1e-6),
        (("nm", "nanometer", "Nanometres"), 1e-9),
        (("Å", "angstrom", "Ångström"), 1e-10),
        (("m", "metre", "meters"), 1.0),
    ],
)
def test_programs_write_one_unit_in_many_ways(names: tuple[str, ...], unit: float) -> None:
    for name in names:
        assert parse_length(f"1 {unit_named(name)}") == unit, name


@pytest.mark.parametrize("name", ["", "pixel", "inch", "kilometer", "meter per pixel"])
def test_what_is_no_unit_of_length_is_none(name: str) -> None:
    assert unit_named(name) is None


def test_two_lengths_agree_as_strictly_as_is_asked() -> None:
    assert agree(1.019e-7, 1e-7)
    assert not agree(1.021e-7, 1e-7)
    assert not agree(1.019e-7, 1e-7, SAME)
    assert not agree(1.001e-7, 1e-7, EXACT)
