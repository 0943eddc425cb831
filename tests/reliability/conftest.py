"""The real daemon of tests/daemon, for what is shown of it as a whole."""

from tests.daemon.conftest import bundle, house, open_house, request_of

__all__ = ["bundle", "house", "open_house", "request_of"]
