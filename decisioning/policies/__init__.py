"""What may be offered at all: policies in tiers, contact policies, quiet hours, consent."""
