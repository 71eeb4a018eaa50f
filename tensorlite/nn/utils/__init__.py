"""Tools for parameters and gradients of modules."""
