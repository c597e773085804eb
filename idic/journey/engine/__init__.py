"""The interpreter: it decides what an enrollment does next."""
