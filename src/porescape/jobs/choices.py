"""Check that every name in the settings exists, before the fit instead of after it."""

from porescape.core.settings import Settings
from porescape.fit.plan import families_of
from porescape.fit.search import sampler_of
from porescape.measure.filtration.fluids import gas_named
from porescape.measure.meters import pick
from porescape.section.checks import raise_on_failures
from porescape.section.thresholds import threshold_of


def check_choices(settings: Settings) -> None:
    """Refuse unknown names of numbers, threshold methods, families, optimisers, gases and checks.

    Raises
    ------
    SettingsError
        With the known names.
    """
    pick(settings.measure.numbers)
    threshold_of(settings.segmentation)
    families_of(settings.fit)
    sampler_of(settings.fit)
    gas_named(settings.measure.gas)
    raise_on_failures((), settings.checks.accept)
