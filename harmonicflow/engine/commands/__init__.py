"""Subcommands that run the engine in this process, without a daemon."""
