"""Replication slots: their servers, owners and room."""
