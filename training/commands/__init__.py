"""The subcommands this folder adds to the command line `harmonicflow`."""
