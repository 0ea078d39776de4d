"""Families of recipes, a file and a line each: what the numbers of a search stand for.

All are parts of one generator. Three random fields can be nearly anything; balls and fibres are bodies with
an outline of their own, which three fields only come near to.
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
