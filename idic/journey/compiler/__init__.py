"""Compile a journey's definition to a program, and report what is wrong. ``compile.py`` is the entry."""
