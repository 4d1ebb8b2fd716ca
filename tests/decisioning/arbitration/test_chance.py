from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from decisioning.arbitration.chance import BUCKETS, bucket_of, seed_of, uniform_of


@given(st.text())
def test_a_seed_fits_into_what_generators_and_databases_take(text: str) -> None:
    assert 0 <= seed_of(text) < 2**63
    assert seed_of(text) == seed_of(text)


def test_buckets_never_change_from_one_release_to_the_next() -> None:
    assert [bucket_of("spring", str(customer)) for customer in range(3)] == [3481, 574, 1373]


def test_uniform_numbers_are_uniform() -> None:
    drawn = [uniform_of("ramp", "coffee", str(customer)) for customer in range(20_000)]
    assert min(drawn) > 0.0 and max(drawn) < 1.0
    assert stats.kstest(drawn, "uniform").pvalue > 1e-4


def test_customers_are_spread_evenly_over_the_buckets() -> None:
    buckets = [bucket_of("spring", str(customer)) for customer in range(20_000)]
    counted = np.bincount(np.array(buckets) // (BUCKETS // 20), minlength=20)
    assert stats.chisquare(counted).pvalue > 1e-4
