"""What is wrong with the overrides of a command line, in one message with the nearest that would be right."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.config_repository import ConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, InstantiationException, MissingConfigException, OverrideParseException
from hydra.utils import get_object
from omegaconf import OmegaConf

from msd_mtl.study.checks import of_other_data

N_NEAREST = 3


def explain(
    conf: Path, command: str, overrides: Sequence[str], *, multirun: bool, own: Path | None = None
) -> str | None:
    """Say what is wrong with overrides that Hydra has refused.

    Args:
        conf: The configuration folder.
        command: Primary configuration in it, without ``.yaml``.
        overrides: As they stand on the command line.
        multirun: Whether they are those of a sweep.
        own: A folder that adds to the first (``--config-dir``).

    Returns:
        One message; None if nothing is found to be wrong.
    """
    with initialize_config_dir(str(conf), version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        if own is not None:
            loader.config_search_path.prepend("command-line", f"file://{own.absolute()}", "schema")
            loader.repository = ConfigRepository(loader.config_search_path)
        return wrong(loader, command, overrides, multirun=multirun)


def wrong(loader: Any, command: str, overrides: Sequence[str], *, multirun: bool) -> str | None:
    """As ``explain``, where Hydra is set up already.

    Args:
        loader: Its configuration loader.
        command: Primary configuration.
        overrides: As they stand on a command line.
        multirun: Whether they are those of a sweep.
    """
    parser = OverridesParser.create(config_loader=loader)
    chosen, values = [], []
    for text in overrides:
        try:
            (override,) = parser.parse_overrides([text])
        except OverrideParseException as error:
            return unreadable(text, str(error))
        if override.is_sweep_override() and not multirun:
            return _one_value(override)
        if not loader.repository.group_exists(override.key_or_group):
            values.append(override)
            continue
        if (message := _wrong_choice(override, loader)) is not None:
            return message
        if not override.is_sweep_override():
            chosen.append(text)
    try:
        known = compose(command, [text for text in chosen if not text.startswith("hydra")])
    except HydraException:
        return None
    plain: Any = OmegaConf.to_container(known)
    found = (_wrong_key(override, plain, command, list(loader.list_groups(""))) for override in values)
    return next((message for message in found if message), None)


def refused(error: HydraException) -> str:
    """What Hydra has refused, in one line: with its cause where that stands in the next one."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        return f"{_not_among(group, name, error.options)} It stands in the defaults of a file: see that of the study."
    if not str(error):  # Hydra says nothing where OmegaConf cannot read a reference
        key, reason = getattr(error.__cause__, "full_key", None), str(error.__cause__).partition("\n")[0]
        return f"{key or 'a setting'} must refer to another as ${{KEY}}; got {reason}. Mend it in the file that has it."
    lines = str(error).splitlines()
    made = re.search(r"target '([^']+)'.*full_key: (\S+)", str(error), re.DOTALL)
    unknown = re.search("unexpected keyword argument '(.+)'", str(error.__cause__))
    if isinstance(error, InstantiationException) and made and unknown:
        names = list(signature(get_object(made[1])).parameters)
        near = get_close_matches(unknown[1], names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"{made[2]} must have settings that it takes, {', '.join(names)}; got {unknown[1]!r}.{hint}"
    return " ".join(lines[: 1 + lines[0].endswith(":")])


def nearest(name: str, names: Sequence[str]) -> list[str]:
    """The names most like a name, the nearest first: as a whole, then by their last part."""
    leaf = name.rpartition(".")[2]
    alike = get_close_matches(name, names, n=N_NEAREST, cutoff=0.65)
    by_leaf = {other.rpartition(".")[2]: other for other in reversed(names)}
    alike += [by_leaf[other] for other in get_close_matches(leaf, by_leaf, n=N_NEAREST, cutoff=0.8)]
    return list(dict.fromkeys(alike))[:N_NEAREST]


def literal(value: Any) -> Any:
    """The same settings as OmegaConf takes them for what they are: a ``${`` in a text refers to nothing."""
    if isinstance(value, Mapping):
        return {key: literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [literal(item) for item in value]
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", value) if isinstance(value, str) else value


def unreadable(text: str, error: str) -> str:
    """What is wrong with a setting that Hydra's parser cannot read, as it stands on a command line."""
    reason = next(line for line in error.splitlines() if not line.startswith("Error parsing override"))
    reason = reason.partition(" expecting {")[0]  # the parser's own names of all that may stand there
    hint = (
        r"In braces, a colon of a name is \:, as in 'recipe.task_weights={term\:pop rock: 2}'."
        if "{" in text
        else """Quote what has spaces, commas or brackets in it: 'tasks.names=["term:pop rock"]'."""
    )
    if text.endswith(",") or "=" not in text:
        hint = "A space ends a setting: write choices without one, as in seed=0,1."
    return f"setting must be written KEY=VALUE; got {text!r}: {reason}. {hint}"


def _one_value(override: Override) -> str:
    value = str(override.input_line).partition("=")[2]
    return (
        f"{override.key_or_group} must have one value in a single run; got {value}. Write [{value}] for a list, or add "
        "-m for a sweep over them."
    )


def _wrong_choice(override: Override, loader: Any) -> str | None:
    group = override.key_or_group
    options: list[str] = loader.get_group_options(group)
    if override.is_delete() or not options:
        return None
    choices = list(override.sweep_iterator()) if override.is_sweep_override() else [override.value()]
    for choice in choices:
        name = "null" if choice is None else str(choice)
        if isinstance(choice, str) and name in options:
            continue
        return _not_among(group, name, options)
    return None


def _not_among(group: str, name: str, options: Sequence[str]) -> str:
    """What is wrong with a choice that is not among the options of its group, or is no text."""
    quoted = f" Write {group}='\"{name}\"'." if name in options else ""
    near = get_close_matches(name, options, n=1, cutoff=0.4)
    hint = quoted or (f" Did you mean {near[0]!r}?" if near else "")
    return f"{group} must be one of {', '.join(options)}; got {name!r}.{hint}"


def _wrong_key(override: Override, known: Mapping[str, Any], command: str, groups: list[str]) -> str | None:
    key = override.key_or_group
    if key.startswith("hydra") or override.is_force_add():
        return None
    *parents, leaf = key.split(".")
    node: Any = known
    for parent in parents:
        node = node.get(parent) if isinstance(node, Mapping) else node
    there = leaf in node if isinstance(node, Mapping) else isinstance(node, list) and leaf.isdigit()
    if override.is_add():
        return f"{key} is there already and must be written without +; got {override.input_line}." if there else None
    if there:
        return _wrong_part(key, override.value(), node[leaf]) if isinstance(node, Mapping) else None
    data = known.get("data")
    if message := of_other_data(key, data.get("name") if isinstance(data, Mapping) else None):
        return message
    near = nearest(key, [*_keys(known), *(group for group in groups if group != "hydra")])
    hint = f" Nearest: {', '.join(near)}." if near else ""
    if parents[:1] == ["recipe"] and isinstance(node, Mapping) and "_target_" in node:
        hint += f" Another argument of {node['_target_']} is added with a plus: +{override.input_line}."
    if parents[:2] == ["study", "report"] or key == "study.skip_impossible_sizes":
        hint += f" What a study may say is added with a plus: +{override.input_line}."
    return (
        f"setting must be one that `msd-mtl {command}` has; got {key!r}.{hint} `msd-mtl {command} --cfg job` shows all."
    )


def _wrong_part(key: str, value: Any, known: Any) -> str | None:
    """What is wrong with settings in braces: they do not take the place of those that are there, but join them."""
    if not (isinstance(value, dict) and isinstance(known, Mapping)):
        return None
    more = [str(name) for name in value if name not in known]
    if not more:
        found = (_wrong_part(f"{key}.{name}", part, known[name]) for name, part in value.items())
        return next((message for message in found if message), None)
    added = f"+{key}.{more[0]}=VALUE"
    if ":" in more[0]:
        added = "'++" + key + "={" + more[0].replace(":", r"\:") + ": VALUE}'"
    return (
        f"{key} must be given settings that it has, {', '.join(map(str, known))}, for they join these; got "
        f"{more[0]!r}. Set each alone: {key}.NAME=VALUE, ~{key}.NAME takes it out, {added} adds it."
    )


def _keys(node: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Every key below a node, in dots."""
    for key, value in node.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")
