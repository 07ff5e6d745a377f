"""What runs inside the sandbox: the entry points, and the sandbox's own versions of what needs a world.

These modules are frozen into the runtime together with the ``obelisk`` package; on the host nothing imports them but
tests.
"""
