"""The package catalogue. What it says of a package is in the package's own folder."""

from importlib import import_module

from local_dcos import PACKAGES
from local_dcos.packages.package import Package

CATALOGUE: dict[str, Package] = {
    name: import_module(f"local_dcos.{name}.package").PACKAGE for name in PACKAGES
}
