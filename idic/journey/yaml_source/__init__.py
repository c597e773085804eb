"""YAML with the place of every node, and errors in plain words."""
