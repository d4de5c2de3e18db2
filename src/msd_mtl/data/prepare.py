"""`msd-mtl prepare`: official files in, one store out."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.markup import escape

from msd_mtl.app import hydra_app
from msd_mtl.data.overview import Overview, show
from msd_mtl.data.reading import read_folder
from msd_mtl.data.writing import write_store
from msd_mtl.errors import UserError


def prepare(raw: Path, store: Path, genres: str = "auto", console: Console | None = None) -> Overview:
    """Turn a folder of official files into a store.

    Args:
        raw: Download folder; it is only read.
        store: The store to write; replaced if it is there.
        genres: Which genre file to use: ``cd1``, ``cd2``, ``cd2c``, or ``auto`` for the first of them that is there.
        console: Where progress and a summary are shown; None for nowhere.

    Returns:
        What is in the store, and what was dropped.

    Raises:
        UserError: If a file is not as its format has it, or there are no lyrics; nothing is written then.
    """
    quiet = console or Console(quiet=True)
    with quiet.status("reading") as status:
        reading = read_folder(raw, genres, say=lambda what: status.update(f"reading {escape(what)}"))
        status.update(f"writing {escape(str(store))}")
        content_hash = write_store(store, reading.contents, reading.provenance())
    overview = Overview.of(reading, store, content_hash)
    show(overview, quiet)
    return overview


@hydra_app("prepare")
def main(cfg: DictConfig) -> None:
    """Entry point of the command."""
    for name, value in (("raw", "DIR"), ("store", "FILE")):
        if OmegaConf.is_missing(cfg, name):
            raise UserError(f"{name} must be set; got nothing. Add {name}={value}.")
    console = Console(emoji=False)
    raw = Path(cfg.raw).expanduser()
    if cfg.download:
        from msd_mtl.data.download import download

        download(raw, dict(cfg.files), tuple(cfg.fetch), console, tries=cfg.tries, timeout_s=cfg.timeout_s)
    prepare(raw, Path(cfg.store).expanduser(), cfg.genres, console)
