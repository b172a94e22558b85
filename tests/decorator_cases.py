"""Files of a block that import Mage's decorators: what the static gate says of each must be what Mage does."""

from __future__ import annotations

GUARDS = ("globals", "dir", "locals", "vars")
IMPORT = "from mage_ai.data_preparation.decorators import "
LOAD = "@data_loader\ndef load(*args, **kwargs):\n    return []\n"


# Mage then has no function to run.
REPLACING = [
    f"{IMPORT}data_loader\n{LOAD}",
    f"try:\n    {IMPORT}data_loader\nexcept ImportError:\n    pass\n{LOAD}",
    f"{IMPORT}*\n{LOAD}",
    f"if 'data_loader' in globals():\n    {IMPORT}data_loader\n{LOAD}",
    f"if 'transformer' not in globals():\n    {IMPORT}data_loader\n{LOAD}",
    f"if 'data_loader' not in globals():\n    {IMPORT}data_loader\n{IMPORT}data_loader\n{LOAD}",
    f"try:\n    x\nexcept NameError:\n    {IMPORT}data_loader\n{LOAD}",
    f"try:\n    x = 1\nfinally:\n    {IMPORT}data_loader\n{LOAD}",
    f"import contextlib\nwith contextlib.suppress(ImportError):\n    {IMPORT}data_loader\n{LOAD}",
]
# Mage runs the function.
HARMLESS = [
    *(f"if 'data_loader' not in {where}():\n    {IMPORT}data_loader\n{LOAD}" for where in GUARDS),
    f"if not 'data_loader' in globals():\n    {IMPORT}data_loader\n{LOAD}",
    f"if globals().get('data_loader') is None:\n    {IMPORT}data_loader\n{LOAD}",
    f"if 'test' not in globals():\n    {IMPORT}data_loader, test\n{LOAD}",
    f"try:\n    data_loader\nexcept NameError:\n    {IMPORT}data_loader\n{LOAD}",
    f"if 'x' not in globals():\n x = 1\nelse:\n {IMPORT}data_loader\n{LOAD}",
    f"{IMPORT}data_loader as dl\n{LOAD}",
    f"{IMPORT}transformer, test\n{LOAD}",
    f"{LOAD}{IMPORT}data_loader\n",
    f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {IMPORT}data_loader\n{LOAD}",
]
