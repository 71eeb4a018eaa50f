"""Workloads written once, timed in every framework side by side: ``python -m benchmarks``."""
