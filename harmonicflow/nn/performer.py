"""The performer: latent flow matching over (row, frame) cells with hierarchical attention and the audio graph.

Rectified flow (Liu et al. 2022): x_t = (1 - t) * noise + t * data, and the network predicts the velocity
data - noise.  Every cell has its own flow time: a known cell is data (t = 1), the unknown ones share one t.  That one
objective trains every task of the product, because every task is a choice of known cells.

Legend: B batch, R rows (clip or mixture, then stems), S stems, L latent frame, K beat, C latent channels, D width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.analysis.guide import GUIDE_COLUMNS, GUIDE_V, GUIDE_WIDTH
from harmonicflow.core.constants import DEFAULT_STEMS, LATENT_CHANNELS
from harmonicflow.score.rolls import SCORE_V

from .attention import FAR, GraphAttention, Norm, TimeAttention, rotation
from .score_encoder import ScoreEncoder

TEXT_WIDTH = 256  # embedding of the prompt
GENRE_WIDTH = 16  # one place a genre, with room for more
EMOTION_WIDTH = 3  # valence, arousal, present
TIMBRE_WIDTH = 2 * LATENT_CHANNELS + 1  # mean and deviation of a reference's latents, present
TIME_WAVES = 32  # sines and cosines each that code the flow time
GIVEN_NODES = 2  # harmony, rhythm
LAYOUTS = {"guide_v": GUIDE_V, "score_v": SCORE_V}  # versions of what the inputs hold; a bundle names them


@dataclass(frozen=True)
class PerformerConfig:
    """Sizes of the performer; the defaults hold about 11 M parameters."""

    stems: tuple[str, ...] = DEFAULT_STEMS
    channels: int = LATENT_CHANNELS
    dim: int = 256
    heads: int = 4
    layers: int = 8
    expansion: int = 4  # hidden width of the feed-forward over `dim`
    modulation: int = 64  # rank of the conditioning's scale, shift and gate
    reach: int = 32  # frames that local attention sees on each side: 1.5 s
    beat_every: int = 2  # every how many blocks attend over beats
    score_blocks: int = 2  # of the score's own encoder

    @property
    def rows(self) -> int:
        return 1 + len(self.stems)


# The default keeps within what two CPU cores can play; the large one is for a GPU, and to teach the small one.
SIZES = {
    "default": PerformerConfig(dim=192, heads=3, layers=6),  # 7 M parameters
    "medium": PerformerConfig(),
    "large": PerformerConfig(dim=512, heads=8, layers=14),  # 79 M
}


class Block(nn.Module):
    """Local time attention, graph attention, beat attention (in some blocks) and a feed-forward, gated by AdaLN."""

    def __init__(self, config: PerformerConfig, beats: bool) -> None:
        super().__init__()
        dim = config.dim
        self.norm = Norm(dim, scaled=False)
        self.modulation = nn.Sequential(nn.Linear(dim, config.modulation), nn.SiLU(),
                                        nn.Linear(config.modulation, 6 * dim))
        self.local = TimeAttention(dim, config.heads)
        self.graph_norm = Norm(dim)
        self.graph = GraphAttention(dim, config.heads, config.rows, config.rows + GIVEN_NODES)
        self.beat_norm = Norm(dim) if beats else None
        self.beats = TimeAttention(dim, config.heads) if beats else None
        self.rise = nn.Linear(dim, config.expansion * dim)
        self.fall = nn.Linear(config.expansion * dim, dim)
        last = self.modulation[2]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        with torch.no_grad():  # gates start small and open, so that gradients flow from the first step
            last.bias.zero_()
            last.bias.view(6, dim)[2::3] = 0.2

    def forward(self, x: Tensor, condition: Tensor, given: Tensor, grid: "Grid") -> tuple[Tensor, Tensor]:
        """(x [B, R, L, D], edge weights of the audio graph [B, L, R, N])."""
        shift, scale, gate, shift2, scale2, gate2 = self.modulation(condition).chunk(6, dim=-1)
        batch, rows = x.shape[:2]
        y = self.norm(x) * (1 + scale) + shift
        x = x + gate * self.local(y.flatten(0, 1), grid.turn, grid.near).unflatten(0, (batch, rows))
        exchanged, edges = self.graph(self.graph_norm(x), given)
        x = x + 0.5 * exchanged
        if self.beats is not None and self.beat_norm is not None:
            pooled = grid.gather[:, None].to(x.dtype) @ self.beat_norm(x)
            heard = self.beats(pooled.flatten(0, 1), grid.beat_turn, grid.beat_mask(rows))
            x = x + 0.5 * (grid.scatter[:, None].to(heard.dtype) @ heard.unflatten(0, (batch, rows)))
        y = self.norm(x) * (1 + scale2) + shift2
        return x + gate2 * self.fall(functional.silu(self.rise(y))), edges


@dataclass(frozen=True)
class Grid:
    """Positions and masks of one forward pass."""

    turn: tuple[Tensor, Tensor]  # rotary angles of frames
    near: Tensor  # [L, L] 0 or FAR
    beat_turn: tuple[Tensor, Tensor]  # rotary angles of beats
    gather: Tensor  # [B, K, L] mean over the frames of a beat
    scatter: Tensor  # [B, L, K] a beat's value to its frames
    empty: Tensor  # [B, K] FAR where a beat has no frame

    @classmethod
    def of(cls, pool: Tensor, reach: int, head_dim: int) -> "Grid":
        """The grid of `pool` [B, K, L], 1 where frame l belongs to beat k."""
        frames = torch.arange(pool.shape[2], device=pool.device)
        beats = torch.arange(pool.shape[1], device=pool.device)
        near = ((frames[:, None] - frames[None, :]).abs() > reach).float() * FAR
        count = pool.sum(-1, keepdim=True)
        return cls(rotation(frames, head_dim), near, rotation(beats, head_dim), pool / count.clamp(min=1),
                   pool.transpose(1, 2), (count[..., 0] < 0.5).float() * FAR)

    def beat_mask(self, rows: int) -> Tensor:
        """[B * R, 1, 1, K] mask over empty beats."""
        return self.empty[:, None, :].expand(-1, rows, -1).flatten(0, 1)[:, None, None, :]


class Performer(nn.Module):
    """Velocity of the stems' latents, given everything that is known."""

    def __init__(self, config: PerformerConfig) -> None:
        super().__init__()
        self.config = config
        dim, stems = config.dim, len(config.stems)
        self.latent_embed = nn.Linear(config.channels, dim)
        self.row_embed = nn.Parameter(torch.randn(config.rows, dim) * 0.2)
        self.known_embed = nn.Parameter(torch.randn(2, dim) * 0.2)
        self.time_embed = nn.Sequential(nn.Linear(2 * TIME_WAVES, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.step_embed = nn.Sequential(nn.Linear(2 * TIME_WAVES, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.score = ScoreEncoder(stems, dim, config.score_blocks)
        self.guide_embed = nn.Sequential(nn.Linear(GUIDE_WIDTH, dim), nn.SiLU(), nn.Linear(dim, dim))
        harmony, rhythm = _node_columns()
        self.register_buffer("harmony_columns", harmony, persistent=False)
        self.register_buffer("rhythm_columns", rhythm, persistent=False)
        self.harmony_node = nn.Linear(GUIDE_WIDTH, dim)
        self.rhythm_node = nn.Linear(GUIDE_WIDTH, dim)
        self.text_embed = nn.Linear(TEXT_WIDTH, dim)
        self.genre_embed = nn.Linear(GENRE_WIDTH, dim, bias=False)
        self.emotion_embed = nn.Linear(EMOTION_WIDTH, dim, bias=False)
        self.timbre_embed = nn.Linear(TIMBRE_WIDTH, dim, bias=False)
        self.blocks = nn.ModuleList(
            Block(config, beats=(i + 1) % config.beat_every == 0) for i in range(config.layers)
        )
        self.out_norm = Norm(dim)
        self.head = nn.Parameter(torch.zeros(stems, dim, config.channels))

    harmony_columns: Tensor
    rhythm_columns: Tensor

    def forward(self, x: Tensor, known: Tensor, time: Tensor, step: Tensor, guide: Tensor, score: Tensor,
                pool: Tensor, text: Tensor, genre: Tensor, emotion: Tensor, timbre: Tensor) -> tuple[Tensor, Tensor]:
        """Velocity [B, S, L, C] and the audio graph's edge weights [B, L, R, N], their mean over blocks and heads.

        Shapes: x [B, R, L, C], known [B, R, L] 0 or 1, time and step [B], guide [B, L, 79], score [B, S, L, 441],
        pool [B, K, L] 0 or 1, text [B, 256], genre [B, 16], emotion [B, 3], timbre [B, S, 65].
        """
        h, edges = self.hidden(x, known, time, step, guide, score, pool, text, genre, emotion, timbre)
        return self.velocity(x, time, h), edges

    def hidden(self, x: Tensor, known: Tensor, time: Tensor, step: Tensor, guide: Tensor, score: Tensor,
               pool: Tensor, text: Tensor, genre: Tensor, emotion: Tensor, timbre: Tensor) -> tuple[Tensor, Tensor]:
        """What the last block leaves in the stems' rows, [B, S, L, D], and the edge weights; see `forward`."""
        cell_time = known + (1 - known) * time[:, None, None]
        played = functional.pad(self.score(score, self.row_embed[1:]), (0, 0, 0, 0, 1, 0))  # the clip has no score
        request = self.text_embed(text) + self.genre_embed(genre) + self.emotion_embed(emotion)
        request = request + self.step_embed(waves(step))
        timbre_rows = functional.pad(self.timbre_embed(timbre), (0, 0, 1, 0))
        condition = (self.time_embed(waves(cell_time)) + self.guide_embed(guide)[:, None] + played
                     + self.row_embed[:, None] + request[:, None, None] + timbre_rows[:, :, None])
        condition = functional.silu(condition).to(played.dtype)  # in training bfloat16: half the traffic
        given = torch.stack([self.harmony_node(guide * self.harmony_columns),
                             self.rhythm_node(guide * self.rhythm_columns)], dim=2)
        state = known[..., None]
        h = self.latent_embed(x) + played + self.row_embed[:, None]
        h = h + state * self.known_embed[1] + (1 - state) * self.known_embed[0]
        grid = Grid.of(pool, self.config.reach, self.config.dim // self.config.heads)
        found = []
        for block in self.blocks:
            h, edges = block(h, condition, given, grid)
            found.append(edges)
        return self.out_norm(h[:, 1:]), torch.stack(found).mean(0)

    def velocity(self, x: Tensor, time: Tensor, h: Tensor) -> Tensor:
        """Velocity [B, S, L, C] from what `hidden` gives."""
        found = torch.einsum("bsld,sdc->bslc", h, self.head.to(h.dtype)).float()
        skip, scale = precondition(time)
        return skip * x[:, 1:] + scale * found


def precondition(time: Tensor) -> tuple[Tensor, Tensor]:
    """(skip, scale), [B, 1, 1, 1] each, so that velocity = skip * x_t + scale * F with F of unit variance.

    After Karras et al. 2022, table 1, for the rectified flow of data and noise of unit variance: with
    D = var(x_t) = t^2 + (1 - t)^2, the velocity's best linear guess from x_t is cov(v, x_t) / D * x_t, where
    cov = t - (1 - t) = 2 t - 1, and what is left has variance 2 - (2 t - 1)^2 / D = 1 / D.  At t = 0 the network F is
    asked for the data alone and need not carry the noise through.
    """
    t = time[:, None, None, None]
    variance = t.square() + (1 - t).square()
    return (2 * t - 1) / variance, torch.rsqrt(variance)


def waves(time: Tensor) -> Tensor:
    """Sines and cosines [..., 2 * TIME_WAVES] of a flow time between 0 and 1."""
    rates = torch.exp(torch.linspace(0, 5.5, TIME_WAVES, device=time.device))  # 1 to 245 radians
    angles = time[..., None] * rates
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=-1)


def _node_columns() -> tuple[Tensor, Tensor]:
    """Which guide columns the harmony node and the rhythm node are made of."""
    harmony, rhythm = torch.zeros(GUIDE_WIDTH), torch.zeros(GUIDE_WIDTH)
    for name in ("chord_root", "chord_bass", "chord_pitches", "key_tonic", "key_mode", "chroma", "presence"):
        harmony[GUIDE_COLUMNS[name]] = 1
    for name in ("phase", "tempo", "onset", "loudness", "presence"):
        rhythm[GUIDE_COLUMNS[name]] = 1
    return harmony, rhythm
