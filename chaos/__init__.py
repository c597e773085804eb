"""Chaos: a whole idic of separate processes, a world outside with moods of its own, and somebody who kills them in turn."""
