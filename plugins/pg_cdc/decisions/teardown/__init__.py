"""What goes, what stays and what is left when a migration is taken down. Pure."""
