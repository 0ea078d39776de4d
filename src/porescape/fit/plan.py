"""How many trials a search has, by family and purpose."""

from porescape.core.settings import Fit
from porescape.errors import SettingsError
from porescape.synthesis.families import FAMILIES

LEAST_TO_COMPARE = 100  # trials; a shorter search uses all to explore one family (chosen by hand)
COMPARED = 3  # realizations on which the best of each family are compared (chosen by hand)


def families_of(fit: Fit) -> dict[str, int]:
    """Return the number of trials of each family, including repeated ones.

    Raises
    ------
    SettingsError
        There is no such family.
    """
    if fit.family not in ("auto", *FAMILIES):
        raise SettingsError(f"family must be one of auto, {', '.join(FAMILIES)}, got {fit.family!r}")
    if fit.family != "auto":
        return {fit.family: fit.trials}
    if fit.is_published or fit.trials < LEAST_TO_COMPARE:
        return {next(iter(FAMILIES)): fit.trials}
    return {name: round(family.share * fit.trials) for name, family in FAMILIES.items()}


def planned_trials(fit: Fit) -> int:
    """Return the total number of trials."""
    families = families_of(fit)
    return sum(families.values()) + (COMPARED * len(families) if len(families) > 1 else 0)
