"""The subcommands of `harmonicflow`, one per module, each imported only when it is asked for."""
