import pytest
from model_scene import Scene, build_scene


@pytest.fixture
def scene() -> Scene:
    return build_scene()
