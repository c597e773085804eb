"""What idic costs, counted and measured: `make price` counts one enrollment, `make bench` measures many."""
