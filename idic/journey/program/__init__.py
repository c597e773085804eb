"""The program that a journey compiles to: steps, entry, content and values."""
