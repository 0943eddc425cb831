"""The composer: a masked model of (part, beat) cells that writes the notes of unknown cells.

An encoder sees a window of cells, known ones with their notes, unknown ones without, and what it is told of each. For
every cell to be written a recurrent network then writes note after note, field after field, each given those before
it, until it ends the cell. So what is played within a beat hangs together, what is kept needs no coding at all, and
the likelihood of any cell is exact.

Sampling is part of the graph: it is given its random numbers, and any field can be forced. A note's place is scored by
its pitch, by its degree above the chord's root and by its degree above the tonic, so that what is learned in one key
holds in all.

Legend: B batch, P parts, K cells, N notes of a cell, F fields, M cells to write, R = B * M, D width.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.core.instruments import DRUM_CLASSES
from harmonicflow.score.cell_features import (
    CONTROLS_WIDTH,
    HARMONY_COLUMNS,
    HARMONY_WIDTH,
    STYLE_WIDTH,
    TIME_WIDTH,
)  # fmt: skip
from harmonicflow.score.cells import (
    CELL_PARTS,
    DURATION,
    LOWEST,
    NOTES,
    PLACE,
    PLACES,
    SIZES,
    SLOT,
    SLOTS,
    TIMING,
    VELOCITY,
)  # fmt: skip

from .attention import Norm, TimeAttention, rotation

NEVER: Final = -1e4  # the logit of what cannot be
NO_ROOT: Final = 12  # degree of a note where there is no root


@dataclass(frozen=True)
class ComposerConfig:
    """Sizes of the composer; the defaults hold about 5 M parameters."""

    dim: int = 256
    heads: int = 4
    layers: int = 4
    expansion: int = 4  # hidden width of the feed-forward over `dim`
    note: int = 128  # width of a note's embedding
    writer: int = 256  # width of the recurrent network


class Notes(nn.Module):
    """Embeddings [..., note] of notes; the places of drums have rows of their own."""

    def __init__(self, config: ComposerConfig) -> None:
        super().__init__()
        width = config.note // 2
        self.embed_slot = nn.Embedding(SLOTS, width)
        self.embed_place = nn.Embedding(2 * PLACES, width)
        self.embed_degree = nn.Embedding(2 * (NO_ROOT + 1), width)  # above the root, above the tonic
        self.embed_duration = nn.Embedding(SIZES[DURATION], width)
        self.embed_velocity = nn.Embedding(SIZES[VELOCITY], width)
        self.embed_timing = nn.Embedding(SIZES[TIMING], width)
        self.mix = nn.Linear(width, config.note)

    def forward(self, notes: Tensor, drums: Tensor, root: Tensor, tonic: Tensor) -> Tensor:
        """`notes` [..., F] whole numbers from 0; `drums`, `root` and `tonic` [...] (NO_ROOT: none) whole numbers."""
        place = notes[..., PLACE]
        x = self.embed_slot(notes[..., SLOT]) + self.embed_place(place + PLACES * drums)
        x = x + self.embed_degree(degree(place, root)) + self.embed_degree(NO_ROOT + 1 + degree(place, tonic))
        x = x + self.embed_duration(notes[..., DURATION]) + self.embed_velocity(notes[..., VELOCITY])
        x = x + self.embed_timing(notes[..., TIMING])
        return functional.gelu(self.mix(functional.gelu(x)))


def degree(place: Tensor, root: Tensor) -> Tensor:
    """Semitones of a place above a root, 0..11, NO_ROOT where there is none."""
    return torch.where(root >= NO_ROOT, torch.full_like(place, NO_ROOT), (place + LOWEST - root + 12) % 12)


class Block(nn.Module):
    """Attention along time inside a part, attention among the parts of a beat, and a feed-forward."""

    def __init__(self, config: ComposerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.time_norm, self.band_norm, self.norm = Norm(dim), Norm(dim), Norm(dim)
        self.time = TimeAttention(dim, config.heads)
        self.band_qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.band_out = nn.Linear(dim, dim)
        self.rise = nn.Linear(dim, config.expansion * dim)
        self.fall = nn.Linear(config.expansion * dim, dim)
        self.heads = config.heads

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """`x` [B, P, K, D]."""
        batch, parts, cells, dim = x.shape
        mask = x.new_zeros(1)
        heard = self.time(self.time_norm(x).reshape(batch * parts, cells, dim), turn, mask)
        x = x + heard.reshape(batch, parts, cells, dim)
        qkv = self.band_qkv(self.band_norm(x)).reshape(batch, parts, cells, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(3, 0, 2, 4, 1, 5)  # [B, K, H, P, D / H]
        weights = torch.softmax(q @ k.transpose(-1, -2) * (dim // self.heads) ** -0.5, dim=-1)
        x = x + self.band_out((weights @ v).permute(0, 3, 1, 2, 4).reshape(batch, parts, cells, dim))
        return x + self.fall(functional.silu(self.rise(self.norm(x))))


@dataclass(frozen=True)
class Cells:
    """What the writer knows of each cell it writes, [R, ...]."""

    drums: Tensor  # [R] the first place's row of the embedding: 0, of drums PLACES
    above_root: Tensor  # [R] added to a place, modulo 12 its degree
    rootless: Tensor  # [R] 12 where there is no root: such degrees are rows of their own
    chord_degrees: Tensor  # [R, PLACES] degree of every place above the root
    has_root: Tensor  # [R, 1]
    key_degrees: Tensor
    has_tonic: Tensor
    foreign: Tensor  # [R, PLACES] NEVER where the part has no such place
    top: Tensor  # [R] the part's last place


class Writer(nn.Module):
    """Writes the notes of a cell, one after the other (a gated recurrent unit, Cho et al. 2014).

    Its graph is repeated for every note, so what can be a table is one: half of the time is the number of nodes.
    """

    def __init__(self, config: ComposerConfig) -> None:
        super().__init__()
        dim = config.writer
        self.begin = nn.Linear(config.dim, dim)
        self.given = nn.Linear(config.dim, 3 * dim)
        self.heard = nn.Linear(dim, 3 * dim, bias=False)
        self.held = nn.Linear(dim, 3 * dim)
        self.slot_head = nn.Linear(dim, SIZES[SLOT])
        self.slot_embed = nn.Embedding(SIZES[SLOT], dim)
        self.place_mix = nn.Linear(dim, dim)
        self.place_head = nn.Linear(dim, PLACES)
        self.chord_head = nn.Linear(dim, 12)
        self.key_head = nn.Linear(dim, 12)
        self.place_embed = nn.Embedding(2 * PLACES, dim)
        self.degree_embed = nn.Embedding(24, dim)
        self.duration_mix = nn.Linear(dim, dim)
        self.duration_head = nn.Linear(dim, SIZES[DURATION])
        self.duration_embed = nn.Embedding(SIZES[DURATION], dim)
        self.velocity_mix = nn.Linear(dim, dim)
        self.velocity_head = nn.Linear(dim, SIZES[VELOCITY])
        self.velocity_embed = nn.Embedding(SIZES[VELOCITY], dim)
        self.timing_head = nn.Linear(dim, SIZES[TIMING])
        self.timing_embed = nn.Embedding(SIZES[TIMING], dim)
        slots, places = torch.arange(SIZES[SLOT]), torch.arange(PLACES)
        masks = [slots < slots[:, None], slots <= slots[:, None]]
        self.register_buffer("earlier", NEVER * torch.cat(masks).float(), persistent=False)
        lower = places < torch.arange(PLACES + 1)[:, None]
        self.register_buffer("lower", NEVER * lower.float(), persistent=False)

    earlier: Tensor  # [2 * slots, slots] of the slot before: time does not run back; and goes on, if that slot is full
    lower: Tensor  # [PLACES + 1, PLACES] of the place before, plus one: within a slot places rise

    def step(self, state: Tensor, given: Tensor, last: Tensor) -> Tensor:
        """The next state [R, D], after a note with the embedding `last` [R, D]."""
        r, z, n = (given + self.heard(last)).chunk(3, dim=-1)
        hr, hz, hn = self.held(state).chunk(3, dim=-1)
        new = torch.tanh(n + torch.sigmoid(r + hr) * hn)
        return new + torch.sigmoid(z + hz) * (state - new)

    def note(self, state: Tensor, cells: Cells, slot: Tensor, place: Tensor, bias: Tensor, drawn: "Draw") -> Tensor:
        """The embedding [R, D] of the next note, drawn field by field, after one at `slot` and below `place` [R]."""
        full = (place > cells.top).long()
        next_slot = drawn.field(self.slot_head(state) + bias + self.earlier[slot + SIZES[SLOT] * full], SLOT)
        a = functional.gelu(self.place_mix(state) + self.slot_embed(next_slot))
        logits = self.place_head(a) + cells.foreign
        logits = logits + torch.gather(self.chord_head(a), 1, cells.chord_degrees) * cells.has_root
        logits = logits + torch.gather(self.key_head(a), 1, cells.key_degrees) * cells.has_tonic
        same = (next_slot == slot).to(logits.dtype)[:, None]
        next_place = drawn.field(logits + self.lower[place] * same, PLACE)
        b = self.duration_mix(a) + self.place_embed(next_place + cells.drums)
        b = functional.gelu(b + self.degree_embed((next_place + cells.above_root) % 12 + cells.rootless))
        duration = drawn.field(self.duration_head(b), DURATION)
        c = functional.gelu(self.velocity_mix(b) + self.duration_embed(duration))
        velocity = drawn.field(self.velocity_head(c), VELOCITY)
        c = c + self.velocity_embed(velocity)
        return c + self.timing_embed(drawn.field(self.timing_head(c), TIMING))


class Draw:
    """Draws the fields of one note of each row, or takes those that are forced."""

    def __init__(self, uniform: Tensor, forced: Tensor, cold: Tensor, least: Tensor) -> None:
        self.uniform, self.forced, self.free = uniform, forced, forced < 0
        self.cold, self.least = cold, least  # [R, 1]: one over the temperature; the least share of the likeliest
        self.values: list[Tensor] = []
        self.logps: list[Tensor] = []

    def field(self, logits: Tensor, field: int) -> Tensor:
        """The value [R] of a field with `logits` [R, values]."""
        likely = torch.softmax(logits * self.cold, dim=-1)
        if field in (SLOT, PLACE, DURATION):
            kept = likely >= self.least * likely.amax(-1, keepdim=True)
            likely = likely * kept.to(likely.dtype)
        total = torch.cumsum(likely, dim=-1)
        drawn = (total <= self.uniform[:, field : field + 1] * total[:, -1:]).to(logits.dtype).sum(-1)
        value = torch.where(self.free[:, field], drawn, self.forced[:, field])
        whole = value.long()
        self.values.append(value)
        self.logps.append(log_probability(logits, whole))
        return whole


def log_probability(logits: Tensor, value: Tensor) -> Tensor:
    """Log probability [R] of `value` [R] under a softmax of `logits` [R, values], in operators that TensorRT has."""
    high = logits.amax(-1, keepdim=True)
    chosen = logits.gather(1, value[:, None]) - high
    return (chosen - (logits - high).exp().sum(-1, keepdim=True).log())[:, 0]


class Composer(nn.Module):
    """Notes of the cells to be written, and their likelihood."""

    def __init__(self, config: ComposerConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.notes = Notes(config)
        self.note_in = nn.Linear(config.note, dim, bias=False)
        self.recall_in = nn.Linear(config.note, dim, bias=False)
        self.count_embed = nn.Linear(1, dim, bias=False)
        self.known_embed = nn.Embedding(2, dim)
        self.likeness_embed = nn.Linear(2, dim, bias=False)
        self.part_embed = nn.Embedding(len(CELL_PARTS), dim)
        self.cell_embed = nn.Sequential(nn.Linear(HARMONY_WIDTH + TIME_WIDTH, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.style_embed = nn.Linear(STYLE_WIDTH, dim, bias=False)
        self.control_embed = nn.Sequential(nn.Linear(CONTROLS_WIDTH, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.out_norm = Norm(dim)
        self.writer = Writer(config)
        counted = torch.ones(4)
        counted[DURATION - 1] = 0  # a drum's duration says nothing
        self.register_buffer("drum_fields", counted, persistent=False)

    drum_fields: Tensor  # [4] which fields after the slot count for drums

    def forward(self, notes: Tensor, known: Tensor, recall: Tensor, likeness: Tensor, harmony: Tensor, time: Tensor,
                style: Tensor, controls: Tensor, write: Tensor, uniform: Tensor, forced: Tensor, bias: Tensor,
                heat: Tensor) -> tuple[Tensor, Tensor]:
        """Written notes [B, M, N, F], -1 after the end, and log probabilities [B, M, N] of each note or end.

        Shapes: notes and recall [B, P, K, N, F] with -1 for no note, known and likeness [B, P, K], harmony [B, K, 76],
        time [B, K, 31], style [B, 19], controls [B, P, K, 10], write [B, M, 2] part and cell, uniform [B, M, N, F] in
        0..1, forced [B, M, N, F] with -1 for what is to be drawn, bias [B, M, 13] of the slots' logits, heat [B, M,
        2] temperature and the least probability as a share of the largest one (min-p). Log probabilities are at
        temperature 1.
        """
        h = self.hidden(notes, known, recall, likeness, harmony, time, style, controls)
        h, cells = self.picked(h, harmony, write)
        batch, picks = write.shape[:2]
        writer = self.writer
        state, given = torch.tanh(writer.begin(h)), writer.given(h)
        bias, uniform, forced, heat = (value.flatten(0, 1) for value in (bias, uniform, forced, heat))
        cold, least = 1 / heat[:, :1], heat[:, 1:]
        last = torch.zeros_like(state)
        alive = torch.ones_like(cold)  # [R, 1]
        slot = torch.zeros_like(cells.rootless)
        place = torch.zeros_like(slot)
        written, logps = [], []
        for number in range(NOTES):
            state = writer.step(state, given, last)
            draw = Draw(uniform[:, number], forced[:, number], cold, least)
            last = writer.note(state, cells, slot, place, bias, draw)
            ended = (draw.values[SLOT] >= SLOTS).to(state.dtype)[:, None]
            rest = torch.stack(draw.logps[1:], -1) * (1 - ended)
            rest = rest * torch.where((cells.drums > 0)[:, None], self.drum_fields, torch.ones_like(self.drum_fields))
            logps.append((draw.logps[SLOT] + rest.sum(-1)) * alive[:, 0])
            alive = alive * (1 - ended)
            written.append((torch.stack(draw.values, -1) + 1) * alive - 1)
            slot, place = draw.values[SLOT].long(), draw.values[PLACE].long() + 1
        found = torch.stack(written, 1), torch.stack(logps, 1)
        return found[0].unflatten(0, (batch, picks)), found[1].unflatten(0, (batch, picks))

    def hidden(self, notes: Tensor, known: Tensor, recall: Tensor, likeness: Tensor, harmony: Tensor, time: Tensor,
               style: Tensor, controls: Tensor) -> Tensor:
        """What the encoder knows of each cell, [B, P, K, D]; see `forward`."""
        told = self.cell_embed(torch.cat([harmony, time], dim=-1))[:, None] + self.control_embed(controls)
        told = told + self.style_embed(style)[:, None, None] + self.part_embed.weight[:, None]
        x = told + self.note_in(self.content(notes, harmony, known)) + self.known_embed.weight[0]
        count = (notes[..., SLOT] >= 0).float().sum(-1) * known / NOTES
        x = x + known[..., None] * (self.known_embed.weight[1] - self.known_embed.weight[0])
        x = x + self.count_embed(count[..., None])
        alike = (likeness > 0).float()
        x = x + self.recall_in(self.content(recall, harmony, alike))
        x = x + self.likeness_embed(torch.stack([likeness, alike], dim=-1))
        turn = rotation(torch.arange(notes.shape[2], device=notes.device), self.config.dim // self.config.heads)
        for block in self.blocks:
            x = block(x, turn)
        return self.out_norm(x) + told

    def content(self, notes: Tensor, harmony: Tensor, there: Tensor) -> Tensor:
        """The sum of the embeddings of each cell's notes, [B, P, K, note], zero where `there` [B, P, K] is."""
        parts, cells = notes.shape[1:3]
        sounds = (notes[..., SLOT] >= 0).float() * there[..., None]
        root, tonic = roots(harmony)
        drums = drums_of(notes.device)[None, :, None, None].expand(notes.shape[:4])
        root = _above(root[:, None, :, None].expand(notes.shape[:4]), drums)
        tonic = _above(tonic[:, None, :, None].expand(notes.shape[:4]), drums)
        whole = notes.clamp(min=0).long()
        if self.training:  # most places are empty
            where = sounds > 0
            found = self.notes(whole[where], drums[where], root[where], tonic[where])
            cell = torch.arange(where[..., 0].numel(), device=notes.device).reshape(where.shape[:3])
            cell = cell[..., None].expand(where.shape)[where]
            empty = found.new_zeros(where[..., 0].numel(), found.shape[-1])
            return empty.index_add(0, cell, found).reshape(-1, parts, cells, found.shape[-1])
        return (self.notes(whole, drums, root, tonic) * sounds[..., None]).sum(-2)

    def picked(self, h: Tensor, harmony: Tensor, write: Tensor) -> tuple[Tensor, Cells]:
        """What is known of the cells `write` [B, M, 2]: hidden values [R, D] and the rest."""
        batch, picks = write.shape[:2]
        part, cell = write[..., 0].long(), write[..., 1].long()
        index = (part * h.shape[2] + cell)[..., None].expand(batch, picks, h.shape[-1])
        chosen = torch.gather(h.flatten(1, 2), 1, index).flatten(0, 1)
        root, tonic = (torch.gather(value, 1, cell).flatten() for value in roots(harmony))
        drums = drums_of(h.device)[part].flatten()
        root, tonic = _above(root, drums), _above(tonic, drums)
        places = torch.arange(PLACES, device=h.device)
        foreign = NEVER * (places >= len(DRUM_CLASSES)).to(h.dtype) * drums.to(h.dtype)[:, None]
        return chosen, Cells(
            drums * PLACES, LOWEST + 12 - root, 12 * (root == NO_ROOT).long(),
            (places + LOWEST + 12 - root[:, None]) % 12, (root < NO_ROOT).to(h.dtype)[:, None],
            (places + LOWEST + 12 - tonic[:, None]) % 12, (tonic < NO_ROOT).to(h.dtype)[:, None], foreign,
            PLACES - 1 - (PLACES - len(DRUM_CLASSES)) * drums,
        )  # fmt: skip


def _above(root: Tensor, drums: Tensor) -> Tensor:
    """The root, none for drums."""
    return torch.where(drums > 0, torch.full_like(root, NO_ROOT), root)


def roots(harmony: Tensor) -> tuple[Tensor, Tensor]:
    """Root of the chord and tonic of the key [..., K] as pitch classes, NO_ROOT for none, of harmony [..., K, W]."""
    classes = torch.arange(12, device=harmony.device, dtype=harmony.dtype)
    found = []
    for name in ("root", "tonic"):
        hot = harmony[..., HARMONY_COLUMNS[name]]
        there = hot.sum(-1)
        found.append(((hot * classes).sum(-1) + NO_ROOT * (1 - there) + 0.5).floor().long())
    return found[0], found[1]


def drums_of(device: torch.device) -> Tensor:
    """[P], 1 for the drums."""
    return torch.tensor([int(part == "drums") for part in CELL_PARTS], device=device)
