"""Premigration assessments: each asks the real source, the real target, or the task itself."""
