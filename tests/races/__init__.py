"""Everybody at once: caps that hold exactly, and a no that holds from the moment it was answered."""
