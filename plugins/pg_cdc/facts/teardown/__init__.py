"""What a migration has left, anywhere, and what stands against its end."""
