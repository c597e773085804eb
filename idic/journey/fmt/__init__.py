"""Format journey files for ``idic fmt``."""
