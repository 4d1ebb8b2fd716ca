"""The errors of the whole product, one tree; a message names the file, the key and the value.

NbaError
├── ConfigError        a YAML file or a setting cannot be used
│   ├── CatalogError   the action catalog cannot be used
│   ├── PolicyError    the policies, or an expression in them, cannot be used
│   ├── ArbitrationError  levers, weights, exploration or control groups cannot be used
│   ├── IdentityError  the rules for identities cannot be used
│   └── TriggerError   the triggers cannot be used
├── DataError          a data source cannot be read as the table it should be
├── FeatureError       features are not declared, not built, or not where they should be
│   └── LayoutError    a profile was stored with another layout; the store itself answers
├── LedgerError        the ledger cannot be opened, read or written
│   ├── LedgerBusy     it has too much to write at the moment; worth trying again
│   └── LedgerFull     its disk is nearly full: it is read, but not written
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


class PolicyError(ConfigError):
    """The policies, or an expression in them, cannot be used."""


class ArbitrationError(ConfigError):
    """Levers, context weights, exploration or control groups cannot be used."""


class IdentityError(ConfigError):
    """The rules for identities cannot be used."""


class TriggerError(ConfigError):
    """The triggers cannot be used."""


class DataError(NbaError):
    """A data source cannot be read as the table it should be."""


class FeatureError(NbaError):
    """Features are not declared, not built, or not where they should be."""


class LayoutError(FeatureError):
    """A profile was stored with another layout; the store itself answers."""


class LedgerError(NbaError):
    """The ledger cannot be opened, read or written."""


class LedgerBusy(LedgerError):  # noqa: N818 - a state that passes, told as one
    """The ledger has too much to write at the moment; worth trying again in a second."""


class LedgerFull(LedgerError):  # noqa: N818 - a state that passes, told as one
    """The disk of the ledger is nearly full: it is read, but not written until there is room."""


class LeakError(NbaError):
    """A feature knows something from at or after its decision time."""


class ModelError(NbaError):
    """A model bundle is missing, damaged or does not fit."""
