"""Make harmonicflow/spatial/kemar.npz from the SOFA file of Debian's package libmysofa1.

    python training/recipes/convert_kemar.py \\
        /usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa harmonicflow/spatial/kemar.npz

The measurement's own 16-bit numbers are kept (the first 256 of 512 samples, 99 % of the energy), with
what is computed from the full length once: each response's delay and the mean power over all directions.
Needs the package sofar.
"""

import sys
from pathlib import Path

import numpy as np
import sofar

from harmonicflow.spatial.phase import delay_samples
from harmonicflow.spatial.table import FFT, TAPS

STEPS = 32768  # of the 16-bit numbers


def convert(source: Path, target: Path) -> None:
    """Write the arrays that `harmonicflow.spatial.table.Table` reads."""
    sofa = sofar.read_sofa(str(source), verify=False)
    responses = np.asarray(sofa.Data_IR)
    directions = np.asarray(sofa.SourcePosition)[:, :2]
    order = np.lexsort((directions[:, 0], directions[:, 1]))
    responses, directions = responses[order], directions[order]
    whole = np.rint(responses * STEPS)
    if np.abs(whole - responses * STEPS).max() > 1e-6:
        raise SystemExit("the responses are not 16-bit numbers: this is another edition of the data")
    elevation = directions[:, 1]
    same = np.array([np.sum(elevation == e) for e in elevation])
    area = np.maximum(np.cos(np.radians(elevation)), np.sin(np.radians(2.5))) / same  # of the sphere, per direction
    power = np.abs(np.fft.rfft(responses, FFT)) ** 2
    np.savez(
        target,
        responses=whole[:, :, :TAPS].astype(np.int16),
        directions=directions,
        delays=np.array([[delay_samples(ear) for ear in pair] for pair in responses], np.float32),
        diffuse=(np.average(power.mean(axis=1), axis=0, weights=area)).astype(np.float32),
    )


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
