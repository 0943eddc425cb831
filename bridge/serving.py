"""Another bundle for the daemon: ask, and wait until it is proven and in its place."""

import time
from typing import Final

from harmonicflow.core.messages import ModelInUse, UseModel
from harmonicflow.core.progress import Progress

from .client import Client
from .request import request_id

LOOK_S: Final = 0.1
WORDS: Final = {"proving": "proving the bundle", "waiting": "waiting for the running job"}


def use_model(client: Client, name: str) -> ModelInUse:
    """Have the daemon serve the bundle of this name; raises `unknown_model`, `bad_bundle` and what else is wrong."""
    request = UseModel(id=request_id(), model=name)
    with Progress() as progress:
        while (answer := client.ask(request, ModelInUse)).state != "serving":
            progress.update(WORDS[answer.state])
            time.sleep(LOOK_S)
    return answer
