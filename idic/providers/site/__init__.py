"""Content on the shop's own site, which needs no provider."""
