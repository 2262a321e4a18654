"""Caches for constant results of moto's helpers, which took half the time of a call.

No answer changes. A test run sends the emulator some hundred thousand calls.
"""

import functools

from moto import backends
from moto.core import responses
from moto.core.serialize import ResponseSerializer
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from . import patch

# Reads the directory of moto's modules, twice for each call.
backends.list_of_moto_modules = functools.cache(lambda stock=backends.list_of_moto_modules: tuple(stock()))

# Inspects the class of the responses, once for each call.
responses.method_names_from_class = functools.cache(responses.method_names_from_class)


@patch(DomainDispatcherApplication)
@functools.cache
def get_backend_for_host(self, host):
    """moto matches some hundred patterns before the pattern of SSM."""
    return get_backend_for_host.stock(self, host)


@patch(ResponseSerializer)
def get_value(self, value, key, shape):
    """Looks up no alias if the dictionary has the member itself and no transformer applies."""
    if isinstance(value, dict) and key in value and not getattr(self._value_picker, "response_transformers", None):
        return value[key]
    return get_value.stock(self, value, key, shape)
