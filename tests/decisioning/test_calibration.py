import numpy as np
import pytest
from pydantic import ValidationError

from decisioning.calibration import Calibration

RAW = np.linspace(-40.0, 40.0, 401)


def test_identity_is_the_logistic_function():
    expected = 1.0 / (1.0 + np.exp(-RAW))
    np.testing.assert_allclose(Calibration().apply(RAW), expected, atol=1e-15)


def test_sigmoid_scales_and_shifts_the_log_odds():
    propensity = Calibration(kind="sigmoid", a=0.5, b=-2.0).apply(np.array([4.0, 8.0]))
    np.testing.assert_allclose(propensity, [0.5, 1.0 / (1.0 + np.exp(-2.0))])


def test_isotonic_is_linear_between_knots_of_the_raw_probability():
    knots = Calibration(kind="isotonic", x=(0.2, 0.6), y=(0.0, 0.4))
    raw = np.log(np.array([0.3, 0.5]) / np.array([0.7, 0.5]))
    np.testing.assert_allclose(knots.apply(raw), [0.1, 0.3])


def test_isotonic_holds_its_end_values_outside_of_the_knots():
    knots = Calibration(kind="isotonic", x=(0.2, 0.6), y=(0.01, 0.4))
    assert knots.apply(np.array([-50.0, 50.0])).tolist() == [0.01, 0.4]


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(),
        Calibration(kind="sigmoid", a=3.0, b=1.0),
        Calibration(kind="isotonic", x=(0.1, 0.2, 0.9), y=(0.0, 0.0, 1.0)),
    ],
    ids=lambda c: c.kind,
)
def test_every_kind_stays_a_probability_and_keeps_the_ranking(calibration):
    propensity = calibration.apply(np.array([-1e308, *RAW, 1e308]) / 4.0)
    assert ((propensity >= 0.0) & (propensity <= 1.0)).all()
    assert (np.diff(propensity) >= 0.0).all()


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"kind": "sigmoid", "a": -1.0}, "greater than 0"),
        ({"kind": "sigmoid", "a": float("nan")}, "finite"),
        ({"kind": "identity", "b": 1.0}, "belong to 'sigmoid'"),
        ({"kind": "sigmoid", "x": (0.1,), "y": (0.1,)}, "belong to 'isotonic'"),
        ({"kind": "isotonic"}, "at least one"),
        ({"kind": "isotonic", "x": (0.1, 0.2), "y": (0.1,)}, "2 knots x and 1 knots y"),
        ({"kind": "isotonic", "x": (0.1, 1.2), "y": (0.1, 0.2)}, "outside of"),
        ({"kind": "isotonic", "x": (0.2, 0.2), "y": (0.1, 0.2)}, "rise strictly"),
        ({"kind": "isotonic", "x": (0.1, 0.2), "y": (0.2, 0.1)}, "never fall"),
        ({"kind": "beta"}, "identity"),
        ({"knots": ()}, "knots"),
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(fields, fault):
    with pytest.raises(ValidationError, match=fault):
        Calibration(**fields)
