"""The tables of the documentation, generated from the code so that they cannot drift.

A table stands in a page between ``<!-- table: NAME ARGUMENTS -->`` and ``<!-- /table -->``. ``python -m docs.generate``
writes it there, the build of the site fills it in anew, and a test holds that the page is up to date.
"""
