"""The only code that touches wasmtime: engine, compile cache, introspection, value codec, linker, instances, traps.

The hot paths go over wasmtime's C functions directly (``native``), because the value layer of wasmtime's Python
package keeps exceptions and scratch data in process globals, so that calls of several threads mix, and is slow:

* ``engine``, ``epoch_clock``, ``fork_guard``: one engine a process, run-time limits in wall time, forks;
* ``component``, ``introspection``, ``compile_cache``: bytes to compiled components and what they import and export;
* ``value_memory``, ``value_lifting``, ``value_lowering``, ``scalar_lowering``: canonical values to C structs and back;
* ``host_functions``, ``linker``, ``linking``: imports answered by Python;
* ``instance``, ``run``, ``traps``, ``signals``: one store a run, what its host functions know, and how it ends.
"""
