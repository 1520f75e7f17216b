"""One builder deploys the system: for scripts, fixtures, state machines and fork tests alike."""

from everstock.deploy.builder import deploy_system, list_token

__all__ = ["deploy_system", "list_token"]
