"""Profile + catalog -> ranked, explained decision: a pure kernel.

No Feast, MLflow, BentoML or HTTP; clock and randomness come in as arguments.
"""
