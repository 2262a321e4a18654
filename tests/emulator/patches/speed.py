"""Answers of moto's own helpers that never change in a process, kept: half of its time for a call went there.

Nothing here changes an answer. A test run sends the emulator some hundred thousand calls.
"""

import functools

from moto import backends
from moto.core import responses
from moto.core.serialize import ResponseSerializer
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from . import patch

# It reads the directory of moto's modules, twice a call.
backends.list_of_moto_modules = functools.cache(lambda stock=backends.list_of_moto_modules: tuple(stock()))

# It inspects the class of the responses, once a call.
responses.method_names_from_class = functools.cache(responses.method_names_from_class)


@patch(DomainDispatcherApplication)
@functools.cache
def get_backend_for_host(self, host):
    """Some hundred patterns stand before that of SSM."""
    return get_backend_for_host.stock(self, host)


@patch(ResponseSerializer)
def get_value(self, value, key, shape):
    """A dictionary that has the member by its name is asked for no alias, where no transformer waits for it."""
    if isinstance(value, dict) and key in value and not getattr(self._value_picker, "response_transformers", None):
        return value[key]
    return get_value.stock(self, value, key, shape)
