"""`harmonicflow models`: the bundles on this computer."""

import click

from ..options import json_option


@click.command(
    "models",
    epilog="""\b
Examples:
  harmonicflow models
  harmonicflow models --card
  harmonicflow models --use mine""",
)
@click.option("--card", is_flag=True, help="Also show each bundle's model card.")
@click.option("--use", metavar="NAME", help="Serve this bundle from now on, once it has played a bar.")
@json_option
def command(card: bool, use: str | None, as_json: bool) -> None:
    """List the model bundles that the daemon can serve; the one it serves now is marked.

    With --use the one served now goes on until the other is proven; one that cannot be used changes nothing.
    """
    import msgspec

    from harmonicflow.core.messages import ListModels, ModelList

    from ..output import result, result_json, say, table
    from ..request import request_id
    from ..serving import use_model
    from ..spawn import connect_or_start

    with connect_or_start() as client:
        if use is not None:
            use_model(client, use)
        models = client.ask(ListModels(id=request_id()), ModelList).models
    if as_json:
        for model in models:
            result_json(msgspec.to_builtins(model))
        return
    if not models:
        say("no bundle is installed; install HarmonicFlow again, or train one: harmonicflow train --help")
        return
    rows = [
        ("*" if m.serving else "", m.name, m.version, f"{m.bytes / 1e6:.1f}", ", ".join(m.stems), m.license, m.folder)
        for m in models
    ]
    result(table(("", "name", "version", "MB", "stems", "licence", "folder"), rows))
    for model in models if card else ():
        result(f"\n{model.name} {model.version}\n{model.card.strip()}")
