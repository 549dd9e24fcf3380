"""Amazon RDS: databases, parameter groups, tags."""
