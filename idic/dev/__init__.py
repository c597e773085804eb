"""Everything on one machine: what `idic dev` and `idic demo` start, and nothing that production needs."""
