"""`harmonicflow prepare`: songs from the public archives of single instruments."""

import json
from pathlib import Path

import click


@click.command()
@click.option("--data-dir", "--data_dir", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True,
              help="The folder that holds bass_22050, drums_22050, guitar_22050 and piano_22050.")
@click.option("--out", "--out-dir", "--out_dir", type=click.Path(path_type=Path), default=None,
              help="The corpus.  [default: slakh2100 in --data-dir]")
@click.option("--dry-run", "--dry_run", is_flag=True, help="Only say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def command(data_dir: Path, out: Path | None, dry_run: bool, as_json: bool) -> None:
    """Turn the archives of single instruments into songs to train on.

    bass_22050/train/Track00001.wav gets the name slakh2100/train/Track00001/bass.wav, and so on. The names are hard
    links, so the songs take no space of their own; where the file system has none, they are copies. The archives stay
    as they are. Run it again to go on where it stopped.
    """
    from harmonicflow.core.constants import DEFAULT_STEMS

    from ..prepare import prepare

    done = prepare(data_dir, out or data_dir / "slakh2100", dry_run, lambda line: click.echo(line, err=True))
    splits = {
        split: {"songs": len(songs), "full": done.full(split), "lacking": dict(done.lacking(split))}
        for split, songs in done.songs.items()
    }
    files = {"linked": done.linked, "copied": done.copied, "there": done.there, "left_alone": len(done.kept)}
    if as_json:
        click.echo(json.dumps({"out": str(done.out), "dry_run": dry_run, "files": files, "splits": splits}))
        return
    names = ", ".join(DEFAULT_STEMS)
    for split, row in splits.items():
        lacking = ", ".join(f"{count} without {stem}" for stem, count in done.lacking(split).items())
        full, songs = row["full"], row["songs"]
        click.echo(f"{split}: {songs} songs, {full} with {names}" + (f", {lacking}" if lacking else ""))
    verb = "files would be linked or copied" if dry_run else f"linked, {done.copied} copied"
    click.echo(f"{done.linked} {verb}, {done.there} there already, {len(done.kept)} left alone")
    click.echo(str(done.out))
