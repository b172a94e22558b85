"""Import Mage without two packages that it hardly ever uses, which would take half of the time of each start."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

# What Mage imports by name: it draws a model of scikit-learn, or measures a function's memory, with these.
_FUNCTIONS = {"sklearn.utils": "estimator_html_repr", "memory_profiler": "memory_usage"}
_IMPORTERS = (
    "mage_ai.data_preparation.models.block.outputs",
    "mage_ai.data_preparation.models.utils",
    "mage_ai.system.memory.utils",
)


def import_mage() -> None:
    """Import the modules that ask for them, and let the first call of each function import its package.

    To be called once what they read as they are imported is set: database, project and queue.
    """
    # MAGE.md: heavy-imports
    from mage_ai.shared import complex as models

    models.is_model_sklearn = _only_if_loaded(models.is_model_sklearn)
    absent = _FUNCTIONS.keys() - sys.modules.keys()
    sys.modules.update({module: _stand_in(module) for module in absent})
    for importer in _IMPORTERS:
        importlib.import_module(importer)
    for module in absent:
        del sys.modules[module]  # a block that imports it gets the package itself


def _stand_in(module: str) -> ModuleType:
    def call(*arguments: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **options)

    name = _FUNCTIONS[module]
    made = ModuleType(module)
    setattr(made, name, call)
    return made


def _only_if_loaded(is_model: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Mage asks this of each output: nothing is a model of a package that nobody has imported."""
    return lambda data: "sklearn" in sys.modules and is_model(data)
