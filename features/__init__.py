"""Everything computed from the canonical tables alone: data in, profile rows and model inputs out.

The lowest layer: it imports nothing of decisioning, training or serving.
"""
