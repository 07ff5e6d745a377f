"""wasmtime's C functions, called with plain addresses.

Pointers are ``int`` throughout, so that the calls of a run build no ``ctypes`` objects. What a pointer points to, and
who frees it, is said where it is used.

Two ways to call the same library: ``_quick`` keeps the GIL, for functions that neither run wasm nor wait, where
giving it up would cost more than the call and let a busy thread in between; ``_slow`` releases it. What runs wasm is
there in both ways: `engine.wasm.gil_choice` says which one is taken.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_bool, c_char_p, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, TypeAlias

from wasmtime import _ffi

Address: TypeAlias = int
"""Where something lies in this process's memory; ``0`` stands for nothing."""

_releasing_gil = _ffi.dll
_keeping_gil = ctypes.PyDLL(_ffi.dll._name)


def _quick(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return ctypes.PYFUNCTYPE(result, *arguments)((name, _keeping_gil))


def _slow(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return ctypes.CFUNCTYPE(result, *arguments)((name, _releasing_gil))


increment_epoch = _quick("wasmtime_engine_increment_epoch", None, c_void_p)
INCREMENT_EPOCH: Address = ctypes.cast(_releasing_gil.wasmtime_engine_increment_epoch, c_void_p).value or 0
"""Where that function lies, for callers outside Python."""

store_new = _quick("wasmtime_store_new", c_void_p, c_void_p, c_void_p, c_void_p)
store_context = _quick("wasmtime_store_context", c_void_p, c_void_p)
store_limiter = _quick("wasmtime_store_limiter", None, c_void_p, c_int64, c_int64, c_int64, c_int64, c_int64)
store_epoch_deadline_callback = _quick(
    "wasmtime_store_epoch_deadline_callback", None, c_void_p, c_void_p, c_void_p, c_void_p
)
_STORE_DELETE = ("wasmtime_store_delete", None, c_void_p)
store_delete = _slow(*_STORE_DELETE)
store_delete_keeping_gil = _quick(*_STORE_DELETE)
set_epoch_deadline = _quick("wasmtime_context_set_epoch_deadline", None, c_void_p, c_uint64)
set_fuel = _quick("wasmtime_context_set_fuel", c_void_p, c_void_p, c_uint64)
get_fuel = _quick("wasmtime_context_get_fuel", c_void_p, c_void_p, c_void_p)

component_export_index = _quick("wasmtime_component_get_export_index", c_void_p, c_void_p, c_void_p, c_char_p, c_size_t)
export_index_delete = _quick("wasmtime_component_export_index_delete", None, c_void_p)

linker_new = _quick("wasmtime_component_linker_new", c_void_p, c_void_p)
linker_delete = _quick("wasmtime_component_linker_delete", None, c_void_p)
linker_root = _quick("wasmtime_component_linker_root", c_void_p, c_void_p)
linker_instance_delete = _quick("wasmtime_component_linker_instance_delete", None, c_void_p)
linker_add_instance = _quick(
    "wasmtime_component_linker_instance_add_instance", c_void_p, c_void_p, c_char_p, c_size_t, c_void_p
)
linker_add_function = _quick(
    "wasmtime_component_linker_instance_add_func",
    c_void_p, c_void_p, c_char_p, c_size_t, c_void_p, c_void_p, c_void_p,
)  # fmt: skip
linker_add_resource = _quick(
    "wasmtime_component_linker_instance_add_resource",
    c_void_p, c_void_p, c_char_p, c_size_t, c_void_p, c_void_p, c_void_p, c_void_p,
)  # fmt: skip

_INSTANTIATE = ("wasmtime_component_linker_instantiate", c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)
linker_instantiate = _slow(*_INSTANTIATE)
linker_instantiate_keeping_gil = _quick(*_INSTANTIATE)

instance_function = _quick("wasmtime_component_instance_get_func", c_bool, c_void_p, c_void_p, c_void_p, c_void_p)
_CALL = ("wasmtime_component_func_call", c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)
function_call = _slow(*_CALL)
function_call_keeping_gil = _quick(*_CALL)

bytes_new = _quick("wasm_byte_vec_new", None, c_void_p, c_size_t, c_char_p)
bytes_delete = _quick("wasm_byte_vec_delete", None, c_void_p)
list_new = _quick("wasmtime_component_vallist_new_uninit", None, c_void_p, c_size_t)
tuple_new = _quick("wasmtime_component_valtuple_new_uninit", None, c_void_p, c_size_t)
record_new = _quick("wasmtime_component_valrecord_new_uninit", None, c_void_p, c_size_t)
flags_new = _quick("wasmtime_component_valflags_new_uninit", None, c_void_p, c_size_t)
value_new = _quick("wasmtime_component_val_new", c_void_p, c_void_p)
value_clone = _quick("wasmtime_component_val_clone", None, c_void_p, c_void_p)
value_delete = _quick("wasmtime_component_val_delete", None, c_void_p)

resource_type_new = _quick("wasmtime_component_resource_type_new_host", c_void_p, c_uint32)
resource_type_delete = _quick("wasmtime_component_resource_type_delete", None, c_void_p)
resource_to_host = _quick("wasmtime_component_resource_any_to_host", c_void_p, c_void_p, c_void_p, c_void_p)
host_resource_new = _quick("wasmtime_component_resource_host_new", c_void_p, c_bool, c_uint32, c_uint32)
host_resource_rep = _quick("wasmtime_component_resource_host_rep", c_uint32, c_void_p)
host_resource_to_any = _quick("wasmtime_component_resource_host_to_any", c_void_p, c_void_p, c_void_p, c_void_p)
host_resource_delete = _quick("wasmtime_component_resource_host_delete", None, c_void_p)

_error_new = _quick("wasmtime_error_new", c_void_p, c_char_p)
_error_message = _quick("wasmtime_error_message", None, c_void_p, c_void_p)
_error_delete = _quick("wasmtime_error_delete", None, c_void_p)

HOST_CALLBACK = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)
"""``(data, context, type, args, args_len, results, results_len) -> error``"""

DROP_CALLBACK = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_uint32)
"""``(data, context, rep) -> error``"""

EPOCH_CALLBACK = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_void_p, c_void_p)
"""``(context, data, ticks_out, update_kind_out) -> error``"""

Callback: TypeAlias = "ctypes._CFunctionType"


def callback_address(callback: Callback) -> Address:
    """Return the C address of a callback; the callback must be kept alive for as long as C may call it."""
    return ctypes.cast(callback, c_void_p).value or 0


def new_error(message: str) -> Address:
    """Make an error that a callback returns to wasmtime, which then owns it."""
    address: Address = _error_new(message.replace("\0", "\ufffd").encode(errors="replace"))
    return address


def take_error(error: Address) -> str:
    """Free an error that wasmtime returned, and return its text."""
    vec = (c_size_t * 2)()
    at = ctypes.addressof(vec)
    _error_message(error, at)
    text = ctypes.string_at(vec[1], vec[0]).decode(errors="replace")
    bytes_delete(at)
    _error_delete(error)
    return text


def pointer_of(managed: Any) -> Address:
    """Return the address inside one of the wasmtime package's own objects, which goes on owning it."""
    return ctypes.cast(managed.ptr(), c_void_p).value or 0
