"""One builder deploys the system: for scripts, fixtures, state machines and fork tests alike."""

from everstock.deploy.builder import deploy_system, list_token
from everstock.deploy.checks import NotDeployable
from everstock.deploy.handover import HandOverFailed

__all__ = ["HandOverFailed", "NotDeployable", "deploy_system", "list_token"]
