#!/bin/sh
# How to make a bundle like the default one, on two CPU cores: about four and a half hours in all.
# Usage: training/recipes/default.sh MIDI_DIR WORK_DIR [TEXT]      every step resumes where it stopped
# On a GPU: --size large for the codec, and the adversarial stage (train decoder without --share 0) after it.
set -eu
midi=$1
work=$2

# Hold the pages of large tensors and back them with huge ones; docs/log.md has what that was seen to save.
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592

# 8 h of four stems with one sound an instrument, and 3 h with two SoundFonts' programs and kits.
harmonicflow corpus build --midi "$midi" --out "$work/corpus" --parts A,D --hours 3 --varied 0.1 --jobs 2
harmonicflow corpus build --midi "$midi" --out "$work/corpus" --parts B,C --hours 5.2 --varied 0.1 --jobs 2
harmonicflow corpus build --midi "$midi" --out "$work/varied" --hours 3 --varied 1 --seed 7 --jobs 2

harmonicflow train codec --data-dir "$work/corpus" --data-dir "$work/varied" --checkpoint-dir "$work/codec" \
    --batch-size 12 --max-minutes 120 --resume
harmonicflow train decoder --data-dir "$work/corpus" --data-dir "$work/varied" --checkpoint-dir "$work/decoder" \
    --init "$work/codec/codec.safetensors" --share 0 --lr 0.0006 --batch-size 12 --max-minutes 22 --resume

for corpus in corpus varied; do
    harmonicflow train encode --data-dir "$work/$corpus" --codec "$work/codec/codec.safetensors" \
        --out "$work/encoded-$corpus" --jobs 2
done
# $text: the table of words, from the default bundle or from training/recipes/distill_text.py.
text=${3:-$(python -c 'from harmonicflow.engine.bundle import default_path as p; print(p() / "text.safetensors")')}
harmonicflow train performer --data-dir "$work/encoded-corpus" --data-dir "$work/encoded-varied" --text "$text" \
    --checkpoint-dir "$work/performer" --lr 0.0015 --batch-size 11 --max-minutes 90 --resume
harmonicflow train performer --data-dir "$work/encoded-corpus" --data-dir "$work/encoded-varied" --text "$text" \
    --few-steps --guidance 2 --init "$work/performer/best.safetensors" --checkpoint-dir "$work/few-steps" \
    --lr 0.0005 --batch-size 11 --max-minutes 30 --resume

harmonicflow export --codec "$work/decoder/codec.safetensors" --base "$work/codec/codec.safetensors" \
    --performer "$work/few-steps/best.safetensors" --text "$text" --corpus "$work/corpus" \
    --hardware "2 CPU cores at 2.5 GHz" \
    --out "$work/bundle"
harmonicflow evaluate --codec --bundle "$work/bundle" --corpus "$work/corpus"
harmonicflow evaluate --performer --bundle "$work/bundle" --corpus "$work/corpus"
harmonicflow promote "$work/bundle" --corpus "$work/corpus"
