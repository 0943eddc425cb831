"""The example clip and other small data files of the package."""
