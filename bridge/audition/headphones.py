"""A take on headphones while the head turns: its stems are placed round the listener as they are heard.

A delivered stem is its coloured mono times the two gains of its pan, whose squares add up to one: turned back, they
give that mono again, exactly but for rounding, and this is what the take's own binaural render has placed. Dry stems go
through their strips first. So with the head straight one hears binaural.wav.

Shapes: S stem, C channel, N frame of the take, T frame of a piece.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from harmonicflow.audio import files
from harmonicflow.audio.files import AudioInfo
from harmonicflow.audio.limiter import Limiter
from harmonicflow.core.errors import HarmonicFlowError

from ..results import read_details

Audio = NDArray[np.float32]

NOT_STEMS: Final = ("mix", "binaural")
PIECE: Final = 1 << 16  # frames that are folded at once


class Headphones:
    """The stems of a take round a head: a source of sound (`in_step.Source`), and any piece of it at any time.

    `turn` may be called by any thread at any time, `render` by one. A render that goes on where the last one ended is
    one stream: the head turns on smoothly, and a limiter that looks 2 ms ahead keeps the ceiling of binaural.wav. One
    that begins elsewhere has the head where it is, at once. The work for a frame is bounded; memory does not grow.
    """

    def __init__(
        self,
        stems: Mapping[str, Audio],
        rate: int,
        strips: Mapping[str, Any] | None = None,
        positions: Mapping[str, Any] | None = None,
    ) -> None:
        """`stems`: float32 [C, N], stereo or mono, equally long. `strips`: of each, as take.json has them.

        `positions`: a `harmonicflow.spatial.hrtf.Position` for each, by default where a take's own render has it.
        Raises ValueError without stems or for stems of unlike lengths, and for strips that are none.
        """
        from harmonicflow.spatial.binaural import position_for
        from harmonicflow.spatial.head import Head
        from harmonicflow.spatial.turning import TurningPlacement

        if len({sound.shape[1] for sound in stems.values()}) != 1:
            raise ValueError("there must be at least one stem, and all of one length")
        self.rate = rate
        self._mono_SN = np.stack(
            [folded(_pieces(sound), sound.shape[1], rate, (strips or {}).get(name)) for name, sound in stems.items()]
        )
        self.frames = self._mono_SN.shape[1]
        self.head = Head()  # where it turns to
        places = {name: (positions or {}).get(name) or position_for(name) for name in stems}
        self._placement = TurningPlacement(rate, places)
        self._begin(0)

    @classmethod
    def of_take(cls, folder: str | Path) -> Self:
        """Of the files of a take. Raises `unknown_take`, `bad_take`, and what reading its files raises."""
        folder = Path(folder)
        details = read_details(folder)
        if not details:
            raise HarmonicFlowError("unknown_take", take=folder.name)
        try:
            strips = details["strips"]
            rows = [row for row in details["summary"]["files"] if row["stem"] not in NOT_STEMS]
            stems = {
                row["stem"]: folded(
                    files.stream(folder / Path(row["file"]).name), row["frames"], row["rate"], strips[row["stem"]]
                )[None]
                for row in rows
            }
            return cls(stems, rows[0]["rate"])
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise HarmonicFlowError("bad_take", take=folder, reason=f"take.json lacks {error}") from None

    @property
    def info(self) -> AudioInfo:
        """What it is like as a source."""
        return AudioInfo(self.rate, 2, self.frames, "")

    def turn(self, yaw: float, pitch: float = 0.0, roll: float = 0.0) -> None:
        """Turn the head there, in degrees (see `spatial.head`), soon. Raises ValueError for what is no angle."""
        from harmonicflow.spatial.head import Head

        self.head = Head(yaw, pitch, roll)
        self._placement.face(self.head)

    def render(self, start_frame: int, frames: int) -> Audio:
        """What both ears hear of that piece, [2, frames]; silence beyond the ends of the take."""
        if start_frame != self._at:
            self._begin(start_frame)
        out = np.empty((2, frames), np.float32)
        done = 0
        while done < frames:  # twice after a beginning, because the limiter keeps 2 ms back; else once
            count = frames - done
            piece = self._limiter.process(self._placement.process(self._window(self._fed, count)))
            out[:, done : done + piece.shape[1]] = piece
            done += piece.shape[1]
            self._fed += count
        self._at += frames
        return out

    def stream(self, piece_frames: int) -> Iterator[Audio]:
        """The whole, in pieces [2, at most `piece_frames`], as the head is held while each is asked for."""
        for start in range(0, self.frames, piece_frames):
            yield self.render(start, min(piece_frames, self.frames - start))

    def _begin(self, frame: int) -> None:
        self._at = self._fed = frame  # the next one that is heard, and that is placed
        self._limiter = Limiter(self.rate)
        self._placement.jump()

    def _window(self, start: int, frames: int) -> Audio:
        """The frames of all stems with those before that the filters look back on, [S, before + frames]."""
        first = start - self._placement.before
        out = np.zeros((len(self._mono_SN), self._placement.before + frames), np.float32)
        low, high = (min(max(at, 0), self.frames) for at in (first, start + frames))
        out[:, low - first : high - first] = self._mono_SN[:, low:high]
        return out


def folded(pieces: Iterable[Audio], frames: int, rate: int, strip: object) -> Audio:
    """The mono [N] that was placed, of a stem's pieces [C, any number]; `strip`: its channel's, None for a plain one.

    Raises ValueError for a strip that is none.
    """
    from harmonicflow.mix.strips import ChannelStrip, StripProcessor, pan_gains

    channel = ChannelStrip() if strip is None else msgspec.convert(strip, ChannelStrip)
    gains, strip_processor = np.array(pan_gains(channel.pan), np.float32), StripProcessor(channel, rate)
    out = np.zeros(frames, np.float32)
    done = 0
    for piece in pieces:
        mono = gains @ piece if len(piece) == 2 else strip_processor.colour(piece[0])
        end = min(done + len(mono), frames)
        out[done:end] = mono[: end - done]
        done = end
    return out


def _pieces(sound: Audio) -> Iterator[Audio]:
    for start in range(0, sound.shape[1], PIECE):
        yield sound[:, start : start + PIECE]
