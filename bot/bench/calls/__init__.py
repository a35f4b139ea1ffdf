"""How many calls a core carries: a real worker between light phones and light vendors.

The worker has a core to itself. Phones, vendors and a Redis are on another, in this process and
beside it; phones and vendors share one clock, so what the worker adds is measured without a probe
in it. `bench.run` measures, `render.render` prints.
"""
