"""`python -m bridge` in a bare clone, `python -m harmonicflow.bridge` once installed: the command `harmonicflow`."""

from .cli import main

if __name__ == "__main__":
    main()
