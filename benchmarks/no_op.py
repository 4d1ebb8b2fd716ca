"""BentoML's own empty service, with its default settings: the baseline of `request`."""

# BentoML's decorators carry no types.
# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import bentoml
from pydantic import BaseModel


class Question(BaseModel):
    customer_id: str
    channel: str
    max_results: int


class Answer(BaseModel):
    customer_id: str
    results: list[str]


@bentoml.service
class NoOp:
    """Reads one pydantic model and returns another."""

    @bentoml.api(route="/recommend")
    async def recommend(self, question: Question, /) -> Answer:
        return Answer(customer_id=question.customer_id, results=["do_nothing"])
