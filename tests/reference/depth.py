"""How many random examples the property tests try.

`TEST_EXAMPLES` multiplies the number (`make slow`); then examples differ from run to run, and a failing one is
made as small as it goes, which takes minutes.
"""

import os

from hypothesis import HealthCheck, Phase, settings

DEPTH = int(os.environ.get("TEST_EXAMPLES", "1"))


def examples(count: int) -> settings:
    """Give settings for `count` examples, always the same ones unless more are asked for."""
    deeper = (Phase.shrink,) if DEPTH > 1 else ()
    return settings(
        max_examples=count * DEPTH,
        deadline=None,
        database=None,
        derandomize=DEPTH == 1,
        phases=(Phase.explicit, Phase.generate, *deeper),
        suppress_health_check=list(HealthCheck),
    )
