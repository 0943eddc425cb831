"""`harmonicflow export-take`: a take as a project or as files for any DAW."""

import click
from click.core import ParameterSource

from ..options import Stems, json_option


@click.command(
    "export-take",
    epilog="""\b
Examples:
  harmonicflow export-take last --dawproject
  harmonicflow export-take last --dawproject --out song.dawproject --no-binaural
  harmonicflow export-take last --options --dawproject
  harmonicflow export-take 20260131-2041 --folder --out stems --bit-depth 24
  harmonicflow export-take last --folder --midi-only
  harmonicflow export-take last --folder --stems bass,drums --no-tempo""",
)
@click.argument("takes", nargs=-1, required=True, metavar="TAKE ...")
@click.option("--dawproject", is_flag=True, help="One .dawproject: Bitwig, Studio One, Cubase open it.  [default]")
@click.option("--folder", is_flag=True, help="A folder of WAV and MIDI files, for all other DAWs.")
@click.option("--out", metavar="PATH", help="The file or folder to make.  [default: named after the take, here]")
@click.option("--force", is_flag=True, help="Write over what is there.")
@click.option("--options", is_flag=True, help="All takes that were made by the same request.")
@click.option("--stems", type=Stems(), metavar="NAMES", help="Only these, with commas between.  [default: all]")
@click.option("--mix/--no-mix", default=None, help="With the mix, muted in a project.  [default: with all stems]")
@click.option("--binaural/--no-binaural", default=None, help="With the binaural render, likewise.")
@click.option("--midi-only", is_flag=True, help="The notes without the sound.")
@click.option(
    "--bit-depth", "bits", type=click.Choice(["24", "32"]), default="32", show_default=True,
    help="Of the WAV files: 24 bits, or 32 bits float, which never clip.",
)  # fmt: skip
@click.option("--tempo/--no-tempo", default=True, help="In a folder: WAV files say their tempo.  [default: --tempo]")
@click.option("--warp", is_flag=True, help="In a project: the sound follows when you change the tempo there later.")
@json_option
def command(
    takes: tuple[str, ...], dawproject: bool, folder: bool, out: str | None, force: bool, options: bool,
    stems: tuple[str, ...] | None, mix: bool | None, binaural: bool | None, midi_only: bool, bits: str, tempo: bool,
    warp: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write TAKE for a DAW: stems, notes, tempo, meter, chords, sections.

    TAKE is a name from the list of takes, the beginning of one, "last", or a take's folder. Several takes of one song
    become groups of one project, all but the first muted. Nothing is overwritten without --force.
    """
    if dawproject and folder:
        raise click.UsageError("give only one of --dawproject and --folder")
    if midi_only and (mix or binaural):
        raise click.UsageError("--mix and --binaural are sound: leave out --midi-only")
    said = {name for name in ("bits", "tempo", "warp") if _is_said(name)}
    if midi_only and said:
        raise click.UsageError("--bit-depth, --tempo, --no-tempo and --warp are of sound: leave out --midi-only")
    if folder and "warp" in said:
        raise click.UsageError("--warp is for a project: leave out --folder")
    if not folder and "tempo" in said:
        raise click.UsageError("--tempo and --no-tempo are for WAV files in a folder: give --folder too")
    from ..exporting.exporting import export
    from ..exporting.wanted import Wanted

    wanted = Wanted(stems or (), mix, binaural, midi_only, int(bits), tempo, warp)
    export(takes, folder, out, force, options, wanted, as_json)


def _is_said(name: str) -> bool:
    """Whether a person gave this option."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
