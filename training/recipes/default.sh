#!/bin/sh
# How the default bundle was made, on two CPU cores: about two and a half hours in all.
# Usage: training/recipes/default.sh MIDI_DIR WORK_DIR      every step resumes where it stopped
set -eu
midi=$1
work=$2

# Hold the pages of large tensors and back them with huge ones; docs/log.md has what that was seen to save.
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592

# 8 h of four stems, one instrument each (11 % of the training songs with others).
harmonicflow corpus build --midi "$midi" --out "$work/corpus" --parts A,D --hours 3 --seed 0 --jobs 2
harmonicflow corpus build --midi "$midi" --out "$work/corpus" --parts B,C --hours 5.2 --seed 0 --jobs 2

harmonicflow train codec --data-dir "$work/corpus" --checkpoint-dir "$work/codec" --max-minutes 45 --resume
harmonicflow train encode --data-dir "$work/corpus" --codec "$work/codec/codec.safetensors" --out "$work/encoded" --jobs 2
harmonicflow train performer --data-dir "$work/encoded" --checkpoint-dir "$work/performer" --hidden-dim 192 --layers 6 \
    --lr 0.0015 --batch-size 11 --seconds 6 --max-minutes 51 --resume

harmonicflow export --codec "$work/codec/codec.safetensors" --performer "$work/performer/best.safetensors" \
    --corpus "$work/corpus" --hardware "2 CPU cores at 2.5 GHz with AMX, bfloat16" --out "$work/bundle"
harmonicflow promote "$work/bundle" --corpus "$work/corpus"
