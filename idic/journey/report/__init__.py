"""What ``idic check`` reports of a journey besides problems."""
