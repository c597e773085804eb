"""Chaos: a whole idic of separate processes with simulated providers, while every process is killed in turn."""
