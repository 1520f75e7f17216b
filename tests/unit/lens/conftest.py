"""The lens's tests share their checks; pytest explains those as it explains a test's own."""

import pytest

pytest.register_assert_rewrite("lens_checks")
