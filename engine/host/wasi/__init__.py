"""The WASI 0.2 host: what a guest's standard library stands on.

One module an interface, or a few that belong together. Each states the types of its functions as WIT has them, and
answers them from the `state` of the run: its resources (`resources`), its way of waiting (`engine.activity.run_loop`),
its environment, its output and its way out. Activities get clocks, entropy and HTTP; workflows, if they ask for it,
the same interfaces without any effect (`effectless`). Files and sockets are refused to both.

Source:
    WASI 0.2.12, whose interfaces hold those of every earlier 0.2; names and signatures are facts of its WIT.
    Obelisk reference, section 7.
"""
