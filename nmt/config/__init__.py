"""A run, described: sections and their keys, recipes, and the keys explained for people."""

from nmt.config.keys import Key, changed_keys, keys, keys_about, requirement, value_of
from nmt.config.recipe import (
    Override,
    find_recipe,
    load_recipe,
    override,
    parse_override,
    recipe_name,
    to_toml,
)
from nmt.config.sections import (
    AttentionName,
    CellName,
    CorpusConfig,
    ExportConfig,
    ModelConfig,
    PairsConfig,
    RunConfig,
    SearchConfig,
    Section,
    TokenizerConfig,
    TrainingConfig,
)

__all__ = [
    "AttentionName",
    "CellName",
    "CorpusConfig",
    "ExportConfig",
    "Key",
    "ModelConfig",
    "Override",
    "PairsConfig",
    "RunConfig",
    "SearchConfig",
    "Section",
    "TokenizerConfig",
    "TrainingConfig",
    "changed_keys",
    "find_recipe",
    "keys",
    "keys_about",
    "load_recipe",
    "override",
    "parse_override",
    "recipe_name",
    "requirement",
    "to_toml",
    "value_of",
]
