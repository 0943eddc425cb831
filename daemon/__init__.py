"""The daemon: doors, jobs, journal, takes and the worker that holds the engine."""
