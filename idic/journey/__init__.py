"""Journeys: from YAML to a program, and how a program runs. Nothing in here does I/O.

The stages in order: ``yaml_source`` (YAML with places) → ``definition`` (the file as written) → ``compiler`` → ``program``
(what a journey compiles to) → ``engine`` (runs it, one step at a time). ``vocabulary``, ``contact_policy`` and
``expressions`` are what journeys refer to; ``report`` and ``fmt`` serve ``idic check`` and ``idic fmt``.
"""
