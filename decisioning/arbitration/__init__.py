"""Which of the actions that may be shown go first, and what is left to chance."""

from decisioning.arbitration.book import ArbitrationBook, Control, evidence_of
from decisioning.arbitration.chance import seed_of
from decisioning.arbitration.check import load_arbitration
from decisioning.arbitration.control import ControlGroup
from decisioning.arbitration.explore import Explored, certain, explore
from decisioning.arbitration.file import ArbitrationFile, ContextFact, Diversity, Exploration
from decisioning.arbitration.priority import Factors, Switches, priorities, rank

__all__ = [
    "ArbitrationBook",
    "ArbitrationFile",
    "ContextFact",
    "Control",
    "ControlGroup",
    "Diversity",
    "Exploration",
    "Explored",
    "Factors",
    "Switches",
    "certain",
    "evidence_of",
    "explore",
    "load_arbitration",
    "priorities",
    "rank",
    "seed_of",
]
