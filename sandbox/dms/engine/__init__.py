"""The data plane: what a running replication task does to real servers."""
