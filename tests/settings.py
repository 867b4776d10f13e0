"""Settings as `pipectl` loads them, for tests that need a package of their own or an environment."""

from functools import partial

from cli.catalogue import CATALOGUE
from marathon import loading

load_settings = partial(loading.load_settings, catalogue=CATALOGUE)
