"""Decisions and outcomes -> a better model: data set, tuning, fit, metrics, report, registry."""
