"""The benchmarks behind `parley bench`: each a module with `run` and `render`."""
