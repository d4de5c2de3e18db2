"""Times `msd-mtl prepare` on made-up official files of full size.

    python benchmarks/prepare.py [--songs N] [--folder DIR] [--with-databases] [--output FILE]

The files are written first, which takes longer than reading them; `--folder` keeps them for the next time. `prepare`
runs in a process of its own, on the cores it finds: wall time includes its start, memory is its peak resident size.
`--with-databases` adds `mxm_dataset.db` and `track_metadata.db`, which repeat other files and make the longest case.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from official_files import write_all
from official_summary import FULL


def run(raw: Path, store: Path) -> dict[str, float]:
    """Run the command once.

    Args:
        raw: Folder of official files.
        store: Where the store goes.

    Returns:
        Wall and processor time in s, peak memory in MB.
    """
    start = time.perf_counter()
    command = [sys.executable, "-m", "msd_mtl.cli", "prepare", f"raw={raw}", f"store={store}"]
    subprocess.run(command, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall_s": round(time.perf_counter() - start, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_memory_mb": round(used.ru_maxrss / 1024, 0),
    }


def main() -> None:
    """Entry point."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--songs", type=int, default=FULL)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--with-databases", action="store_true")
    arguments.add_argument("--output", type=Path)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        raw = chosen.folder or Path(temporary) / "raw"
        if not (raw / "msd_summary_file.h5").exists():  # written last
            write_all(raw, chosen.songs, databases=chosen.with_databases)
        store = Path(temporary) / "store.h5"
        figures = run(raw, store)
        figures |= {
            "raw_mb": round(sum(file.stat().st_size for file in raw.iterdir()) / 1e6),
            "store_mb": round(store.stat().st_size / 1e6),
            "cores": os.cpu_count() or 0,
        }
    print(json.dumps(figures, indent=1))
    if chosen.output:
        chosen.output.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
