"""25,000 random decisions held against an oracle: part 4 of 4, so that parts run side by side."""

import pytest
from oracle_runs import check_world

FIRST, WORLDS, CASES = 300, 100, 200


@pytest.mark.parametrize("seed", range(FIRST, FIRST + WORLDS, 10))
def test_decisions_of_random_worlds_are_what_their_rules_say(seed):
    assert sum(check_world(one, CASES) for one in range(seed, seed + 10)) >= 10 * CASES
