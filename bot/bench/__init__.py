"""The benchmarks behind `parley bench`: each a module, or a package, with `run` and
`render`."""
