"""`docalign serve`: finds the service and starts it.

The service is a package of its own that nothing in docalign imports. A wheel has it as `docalign_service`; in a
checkout it is the folder `service` beside this package, and goes by the same name.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import docalign
from docalign.errors import UsageError

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["run_serve", "service_module"]

_NAME: Final = "docalign_service"


def run_serve(settings: Settings, *, new_token: str | None = None) -> None:
    """Serve until told to stop; or, with `new_token`, print a token for that tenant.

    Raises:
        UsageError: the extra is missing, or settings make no sense. DocalignError: the service cannot start.
    """
    if new_token is not None:
        service_module("main").print_token(new_token)
        return
    service_module("main").serve(settings)


def service_module(name: str) -> Any:
    """A module of the service.

    Raises:
        UsageError: it, or a library that it needs, is not installed.
    """
    _make_known()
    try:
        return importlib.import_module(f"{_NAME}.{name}")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the service needs {error.name}, which is not installed.",
            remedy="pip install '.[serve]' in the docalign folder",
        ) from error


def _make_known() -> None:
    """Have the checkout's folder go by the name the wheel has it under, where it is not installed."""
    if _NAME in sys.modules or importlib.util.find_spec(_NAME) is not None:
        return
    package = Path(docalign.__file__).parent.parent / "service" / "__init__.py"
    spec = importlib.util.spec_from_file_location(_NAME, package, submodule_search_locations=[str(package.parent)])
    if not package.is_file() or spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module
    spec.loader.exec_module(module)
