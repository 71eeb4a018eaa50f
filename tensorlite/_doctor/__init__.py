"""``tensorlite.doctor``: one batch through a model, and what that says about training it."""

from .examine import doctor
from .report import Finding, Report

__all__ = ["Finding", "Report", "doctor"]
