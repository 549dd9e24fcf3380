"""The steps of native replication."""
