#!/usr/bin/env bash
# workstation.sh STUDY [overrides]: the same in as many processes as this machine has cores, or GPUs with trainer=gpu.
# Whatever ended it, the same command goes on; `msd-mtl status study=STUDY watch=5` shows how it stands.
set -euo pipefail
if (($# == 0)); then
  echo "usage: $0 STUDY [overrides], such as: $0 demo" >&2
  exit 2
fi
study=$1
shift
exec msd-mtl train --multirun "study=$study" hydra/launcher=local "$@"
