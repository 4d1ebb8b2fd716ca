from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.catalog import Catalog
from decisioning.expressions import (
    PASSED,
    POLICY_ERROR,
    REFUSED,
    VALUE_MISSING,
    Vocabulary,
    bind,
    compile_amount,
    compile_condition,
    compile_together,
    compiled,
)
from decisioning.expressions.limits import MOST_CHARACTERS, without_texts
from decisioning.expressions.references import names_in
from features.errors import PolicyError

NAMES = Vocabulary.of(())
PLACE = "policies.some.when"


def judge(text: str, values: dict[str, object], names: Vocabulary = NAMES) -> int:
    return compile_condition(text, names, PLACE).judge(bind(names, values))


def refusal(text: str, names: Vocabulary = NAMES) -> str:
    with pytest.raises(PolicyError) as caught:
        compile_condition(text, names, PLACE)
    return str(caught.value)


@pytest.fixture
def names(catalog: Catalog) -> Vocabulary:
    return Vocabulary.of(catalog.ordered)


@pytest.mark.parametrize(
    ("trips", "said"), [(4.0, PASSED), (3.0, REFUSED), (None, VALUE_MISSING), ("a", POLICY_ERROR)]
)
def test_only_true_itself_lets_through(trips: object, said: int) -> None:
    values = {} if trips is None else {"profile.trips_91d": trips}
    assert judge("profile.trips_91d > 3.0", values) == said


def test_a_missing_value_matters_only_where_it_is_needed() -> None:
    text = "request.channel == 'web' || journey.days_since_complaint > 30.0"
    assert judge(text, {"request.channel": "web"}) == PASSED
    assert judge(text, {"request.channel": "bot"}) == VALUE_MISSING


def test_a_policy_can_allow_a_missing_value_by_asking_for_it() -> None:
    text = "!known.journey.days_since_complaint || journey.days_since_complaint > 30.0"
    assert judge(text, {"known.journey.days_since_complaint": False}) == PASSED
    known = {"known.journey.days_since_complaint": True, "journey.days_since_complaint": 3.0}
    assert judge(text, known) == REFUSED


def test_a_fact_that_the_request_does_not_give_is_a_missing_value() -> None:
    values = {"request.contexts": {"page.category": "tea"}}
    assert judge("request.contexts['page.category'] == 'tea'", values) == PASSED
    assert judge("request.contexts['page.kind'] == 'tea'", values) == VALUE_MISSING
    assert judge("'page.kind' in request.contexts", values) == REFUSED


def test_a_failing_expression_is_told_from_a_missing_value() -> None:
    assert judge("1 / request.hour == 1", {"request.hour": 0}) == POLICY_ERROR


def test_a_loop_that_is_too_long_for_its_budget_fails_closed() -> None:
    values = {"request.placements": ["a"] * 100_000}
    condition = compile_condition("request.placements.all(x, x == 'a')", NAMES, PLACE)
    assert condition.judge(bind(NAMES, values)) == POLICY_ERROR
    together = compile_together((condition, condition), NAMES)
    assert together.judge(bind(NAMES, values)) == [POLICY_ERROR, POLICY_ERROR]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("profile.trip_91d > 3.0", "did you mean 'profile.trips_91d'?"),
        ("profile.complaints_91d > 0.0", "did you mean 'journey.complaints_91d'?"),
        ("known.profile.complaints_91d", "did you mean 'known.journey.complaints_91d'?"),
        ("trips_91d > 0.0", "did you mean 'profile.trips_91d'?"),
        ("request.chanel == 'web'", "did you mean 'request.channel'?"),
        ("profile.trips_91d > 3", "features are no whole numbers: write 3.0 instead of 3"),
        ("profile.trips_91d in [1, 2]", "write 3.0 instead of 3"),
        ("true &&\n profile.trips_91d > 3", "line 2, column 20: found no matching overload"),
        ("profile.trips_91d > ", "column 21: Syntax error"),
        ("'abc", "column 1: Syntax error"),
        ("profile.trips_91d", "is double, not true or false"),
        ("dyn(true)", "is dyn, not true or false"),
        ("has(profile.trips_91d)", "is double, not true or false"),
        ("  ", "is empty"),
        ("1 / 0 == 1", "can never be evaluated"),
        ("'a'.matches('(')", "can never be evaluated"),
    ],
)
def test_a_bad_condition_is_refused_in_words(text: str, told: str) -> None:
    message = refusal(text)
    assert message.startswith(f"{PLACE}: ")
    assert told in message
    assert f"(value {text!r})" in message
    assert "\n" not in message


def test_the_message_names_the_column_and_what_cel_says() -> None:
    assert "column 8: undeclared reference to 'profile.trip_91d'" in refusal(
        "profile.trip_91d > 3.0"
    )


BIG = f"[{', '.join('1' for _ in range(300))}]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("true || " * 250 + "true", "at most 2000 are allowed"),
        (f"{BIG}.all(a, {BIG}.all(b, a + b > 0))", "repeats more than once"),
        ("[[1]].all(a, a. exists (b, b > 0))", "repeats more than once"),
        ("[1].all(a, a > 0) && [1].exists(a, a > 0)", "repeats more than once"),
        ("(" * 31 + "true" + ")" * 31, "is nested more than 30 deep"),
        ("[" * 200 + "]" * 200 + " == []", "is nested more than 30 deep"),
        ("+".join(["1"] * 900) + " == 900", "is nested too deep"),
        ("request.channel" + ".a" * 500, "is nested too deep"),
    ],
)
def test_what_is_too_big_or_too_slow_is_refused_when_it_is_read(text: str, told: str) -> None:
    assert told in refusal(text)


def test_what_takes_longer_than_is_allowed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "LONGEST_SECONDS", 0.0)
    assert "0.0 s are allowed" in refusal("profile.trips_91d > 3.0")


def test_a_nested_loop_that_the_length_does_not_stop_is_refused() -> None:
    assert len(f"{BIG}.all(a, {BIG}.all(b, a + b > 0))") < MOST_CHARACTERS


def test_words_in_texts_and_comments_are_no_macros_and_no_brackets() -> None:
    text = "request.channel != '.all(((' && [1].all(x, x > 0) // .all((("
    assert judge(text, {"request.channel": "web"}) == PASSED
    assert without_texts("r'\\' + 'it\\'s' + \"\"\"a\"b\"\"\" + b'c' // d") == "'' + '' + '' + b'' "


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("profile . trips_91d > 1.0", {"profile.trips_91d"}),
        ("(profile).trips_91d > 1.0", {"profile.trips_91d"}),
        ("profile. // here\n trips_91d > 1.0", {"profile.trips_91d"}),
        ("[1.0].all(profile, profile > 0.0)", set()),
        ("request.channel == 'profile.trips_91d'", {"request.channel"}),
        (
            "known.profile.trips_91d && request.contexts.page == 'a'",
            {"known.profile.trips_91d", "request.contexts"},
        ),
    ],
)
def test_the_names_that_an_expression_uses_are_known(text: str, used: set[str]) -> None:
    assert compile_condition(text, NAMES, PLACE).names == used


def test_an_expression_knows_whether_it_is_about_the_action(names: Vocabulary) -> None:
    def compiled(text: str) -> tuple[bool, bool]:
        one = compile_condition(text, names, PLACE)
        return one.of_action, one.constant

    assert compiled("profile.trips_91d > 1.0") == (False, False)
    assert compiled("action.group == 'dairy'") == (True, True)
    assert compiled("!known.action.size || action.size > 1.0") == (True, True)
    assert compiled("action.category_trips_all > 1.0") == (True, False)
    assert compiled("action.id == 'tea' || request.hour > 3") == (True, False)
    assert compiled("true") == (False, True)


def test_without_the_request_its_names_are_unknown() -> None:
    assert "undeclared reference to 'request.hour'" in refusal(
        "request.hour > 3", NAMES.without_request()
    )


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("2.5", {}, 2.5),
        ("7", {}, 7.0),
        ("profile.spend_per_trip_91d * 0.5", {"profile.spend_per_trip_91d": 3.0}, 1.5),
        ("profile.spend_per_trip_91d * 0.5", {}, math.nan),
        ("profile.trips_91d - 4.0", {"profile.trips_91d": 3.0}, math.nan),
        ("1.0 / profile.trips_91d", {"profile.trips_91d": 0.0}, math.nan),
        ("1 / request.hour", {"request.hour": 0}, math.nan),
        ("known.profile.trips_91d ? 1.0 : 2.0", {"known.profile.trips_91d": False}, 2.0),
    ],
)
def test_an_amount_is_a_number_or_none(
    text: str, values: dict[str, object], expected: float
) -> None:
    amount = compile_amount(text, NAMES, "value.amount").amount(bind(NAMES, values))
    assert amount == expected or (math.isnan(amount) and math.isnan(expected))


@pytest.mark.parametrize("text", ["-1.0", "0.0 / 0.0", "1.0 / 0.0", "1 / 0", "double('nan')"])
def test_a_constant_that_is_no_amount_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(PolicyError, match=r"^value.amount: is not a finite number of at least 0"):
        compile_amount(text, NAMES, "value.amount")


@pytest.mark.parametrize("text", ["true", "'a'", "[1.0]", "true ? 1.0 : 2"])
def test_an_amount_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match=r"^value.amount: "):
        compile_amount(text, NAMES, "value.amount")


@given(st.lists(st.sampled_from([None, 0.0, 5.0]), min_size=40, max_size=40))
def test_together_conditions_say_what_they_say_one_by_one(given_values: list[float | None]) -> None:
    features = [name for name in NAMES.columns if name.startswith("profile.")][:40]
    conditions = tuple(compile_condition(f"{one} > 1.0 // so", NAMES, "") for one in features)
    bound = bind(
        NAMES, {n: v for n, v in zip(features, given_values, strict=False) if v is not None}
    )
    said = compile_together(conditions, NAMES).judge(bound)
    assert said == [one.judge(bound) for one in conditions]


def test_conditions_that_are_too_deep_together_are_asked_one_by_one() -> None:
    deep = compile_condition("!" * 200 + "(" * 30 + "true" + ")" * 30, NAMES, PLACE)
    plain = compile_condition("request.hour > 3", NAMES, PLACE)
    bound = bind(NAMES, {"request.hour": 2})
    assert compile_together((deep, plain), NAMES).judge(bound) == [PASSED, REFUSED]


@given(st.binary(max_size=60))
def test_what_is_no_compiled_expression_has_no_names(message: bytes) -> None:
    try:
        names_in(message)
    except ValueError as error:
        assert str(error).startswith("not a protocol buffer")
