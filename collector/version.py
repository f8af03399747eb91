"""The collector's version, from the installed package."""

from importlib.metadata import PackageNotFoundError, version

UNINSTALLED = "0.1.0"


def own_version() -> str:
    """Of the package; a checkout that is run without being installed has a fixed one."""
    try:
        return version("wardwatch")
    except PackageNotFoundError:
        return UNINSTALLED
