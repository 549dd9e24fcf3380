"""The calls: one method is one call, or one read of all pages."""
