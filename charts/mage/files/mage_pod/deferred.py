"""Import Mage without two packages that it hardly ever uses: they take half of the time of each start.

Looking for garbage among what was imported would take a seventh of the rest.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

# The functions that Mage imports: one draws a model of scikit-learn, the other measures a function's memory.
_FUNCTIONS = {"sklearn.utils": "estimator_html_repr", "memory_profiler": "memory_usage"}
_IMPORTERS = (
    "mage_ai.data_preparation.models.block.outputs",
    "mage_ai.data_preparation.models.utils",
    "mage_ai.system.memory.utils",
)


@contextmanager
def _kept_from_garbage_collection() -> Iterator[None]:
    """Look for no garbage meanwhile, and never in what is there then: what is imported stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@_kept_from_garbage_collection()
def import_mage() -> None:
    """Import the modules of Mage that import these functions; the first call of a function imports its package.

    Call it after database, project and queue are set: the modules read them while they are imported.
    """
    # MAGE.md: heavy-imports
    from mage_ai.shared import complex as models

    models.is_model_sklearn = _only_if_loaded(models.is_model_sklearn)
    absent = _FUNCTIONS.keys() - sys.modules.keys()
    sys.modules.update({module: _stand_in(module) for module in absent})
    for importer in _IMPORTERS:
        importlib.import_module(importer)
    for module in absent:
        del sys.modules[module]  # a block that imports the package gets the real one


def _stand_in(module: str) -> ModuleType:
    def call(*arguments: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **options)

    name = _FUNCTIONS[module]
    made = ModuleType(module)
    setattr(made, name, call)
    return made


def _only_if_loaded(is_model: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Mage asks this about each output; without an import of the package no output is a model of it."""
    return lambda data: "sklearn" in sys.modules and is_model(data)
