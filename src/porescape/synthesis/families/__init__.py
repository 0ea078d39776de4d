"""Families of recipes, a file and a line each: the parameters of a search.

All are parts of one generator. Three random fields can resemble most materials; balls and fibres are bodies
of a definite shape, which three fields can only approximate.
"""

from porescape.synthesis.families import fibres, fields, grains
from porescape.synthesis.families.family import Family

FAMILIES: dict[str, Family] = {  # in the order in which they are tried
    family.name: family
    for family in (
        fields.FAMILY,
        fibres.FAMILY,
        grains.FAMILY,
    )
}
