"""The application that a handler string names."""

from importlib import import_module

from rejoinder_runtime.exchange import App
from rejoinder_runtime.failures import Failure


class CannotLoad(Exception):
    """There is no application under this name; `failure` is what Lambda is told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def load(handler: str) -> App:
    """Import `module.attribute`, or `folder/module.attribute`.

    Raises:
        CannotLoad: whatever goes wrong, in the words of the managed runtime where it has some.
    """
    module_name, _, attribute = handler.rpartition(".")
    if not module_name or not attribute:
        message = f"The handler must be given as 'module.attribute'; it is {handler!r}."
        raise CannotLoad(Failure("Runtime.MalformedHandlerName", message, []))
    try:
        module = import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise CannotLoad(Failure.of(error).named("Runtime.ImportModuleError")) from error
    except SyntaxError as error:
        raise CannotLoad(Failure.of(error).named("Runtime.UserCodeSyntaxError")) from error
    except (Exception, SystemExit) as error:
        raise CannotLoad(Failure.of(error)) from error
    app: App | None = getattr(module, attribute, None)
    if not callable(app):
        message = f"Module {module_name!r} has no application called {attribute!r}."
        raise CannotLoad(Failure("Runtime.HandlerNotFound", message, []))
    return app
