"""What native replication makes and removes."""
