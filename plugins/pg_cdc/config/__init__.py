"""What one migration is: the only place where names, defaults and limits of the spec live.

The trigger form, the YAML files of ``include/migrations/`` and the reference page are made from these classes.
"""

from pg_cdc.config.fields import KeylessTables, MigrationType, NativeEngine, Plugin, SslMode
from pg_cdc.config.migration import Migration

__all__ = ["KeylessTables", "Migration", "MigrationType", "NativeEngine", "Plugin", "SslMode"]
