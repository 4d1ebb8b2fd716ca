"""The errors of the whole product, one tree; a message names the file, the key and the value.

NbaError
├── ConfigError        a YAML file or a setting cannot be used
│   └── CatalogError   the action catalog cannot be used
├── DataError          a data source cannot be read as the table it should be
├── FeatureError       features are not declared, not built, or not where they should be
├── LeakError          a feature knows something from at or after its decision time
└── ModelError         a model bundle is missing, damaged or does not fit

They live in the lowest layer so that every package may raise them; the service maps them to status
codes in one place, the CLI prints them without a traceback.
"""


class NbaError(Exception):
    """Something a user of the product can act on; the message says what and where."""


class ConfigError(NbaError):
    """A YAML file or a setting cannot be used."""


class CatalogError(ConfigError):
    """The action catalog cannot be used."""


class DataError(NbaError):
    """A data source cannot be read as the table it should be."""


class FeatureError(NbaError):
    """Features are not declared, not built, or not where they should be."""


class LeakError(NbaError):
    """A feature knows something from at or after its decision time."""


class ModelError(NbaError):
    """A model bundle is missing, damaged or does not fit."""
