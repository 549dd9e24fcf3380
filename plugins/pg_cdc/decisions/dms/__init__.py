"""DMS: instance, endpoints, task, its settings and mappings, and its full load. Pure."""
