#!/usr/bin/env bash
# slurm.sh STUDY [overrides]: makes the runs of a study of conf/study/ as jobs of a SLURM cluster.
# SBATCH_PARTITION, SBATCH_ACCOUNT and SBATCH_TIMELIMIT choose where; conf/hydra/launcher/slurm.yaml has the rest.
# Whatever ended it, the same command goes on; `msd-mtl status study=STUDY watch=5` shows how it stands.
set -euo pipefail
if (($# == 0)); then
  echo "usage: $0 STUDY [overrides], such as: $0 demo" >&2
  exit 2
fi
study=$1
shift
exec msd-mtl train --multirun "study=$study" hydra/launcher=slurm "$@"
