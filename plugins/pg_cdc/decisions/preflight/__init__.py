"""What would make a migration fail, or lose data without a word. Pure."""
