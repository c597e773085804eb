"""The work of the commands; ``idic.cli`` holds their arguments."""
