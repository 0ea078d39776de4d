"""Whether every name in the settings is one that there is: said at the door, not after the fit."""

from porescape.core.settings import Settings
from porescape.fit.plan import families_of
from porescape.fit.search import sampler_of
from porescape.measure.meters import pick
from porescape.section.checks import raise_on_failures
from porescape.section.thresholds import threshold_of


def check_choices(settings: Settings) -> None:
    """Refuse names of numbers, threshold methods, families, optimisers and checks that there are not.

    Raises
    ------
    SettingsError
        With the names that there are.
    """
    pick(settings.measure.numbers)
    threshold_of(settings.segmentation)
    families_of(settings.fit)
    sampler_of(settings.fit)
    raise_on_failures((), settings.checks.accept)
