"""Steps and what they are made of, each run against the sandbox."""

from tests.fix_hooks import clients_made_once as clients_made_once
