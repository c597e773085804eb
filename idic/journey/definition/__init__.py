"""A journey file as its author wrote it, read from YAML."""
