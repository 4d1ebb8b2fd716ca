"""Conditions and amounts that people write in YAML, in the Common Expression Language (CEL).

An expression sees named values of the customer, the action and the request, has no loops beyond one
short macro and no side effects, and is checked completely when it is read.
"""

from decisioning.expressions.compiled import (
    PASSED,
    POLICY_ERROR,
    REFUSED,
    VALUE_MISSING,
    Amount,
    Bound,
    Condition,
    ConditionList,
    bind,
    compile_amount,
    compile_condition,
    compile_together,
)
from decisioning.expressions.plain import PlainConditions
from decisioning.expressions.reader import Reader
from decisioning.expressions.values import RowConditions, Rows, RowValues
from decisioning.expressions.vocabulary import Fact, Kind, Vocabulary

__all__ = [
    "PASSED",
    "POLICY_ERROR",
    "REFUSED",
    "VALUE_MISSING",
    "Amount",
    "Bound",
    "Condition",
    "ConditionList",
    "Fact",
    "Kind",
    "PlainConditions",
    "Reader",
    "RowConditions",
    "RowValues",
    "Rows",
    "Vocabulary",
    "bind",
    "compile_amount",
    "compile_condition",
    "compile_together",
]
