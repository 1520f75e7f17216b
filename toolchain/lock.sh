#!/usr/bin/env bash
# Write requirements.lock: install what pyproject.toml asks for into an empty environment and record what came.
set -euo pipefail
cd "$(dirname "$0")/.."

env=$(mktemp -d)
trap 'rm -rf "$env"' EXIT

"${PYTHON:-python3}" -m venv "$env"
"$env/bin/python" - >"$env/requirements.in" <<'PY'
import tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
print("\n".join(project["dependencies"] + project["optional-dependencies"]["dev"]))
PY
"$env/bin/pip" install --quiet --disable-pip-version-check -r "$env/requirements.in"
{
    echo "# Every Python package of the project and its tools, pinned. Written by 'make lock' from pyproject.toml."
    "$env/bin/pip" freeze --disable-pip-version-check
} >requirements.lock.new
mv requirements.lock.new requirements.lock
echo "requirements.lock: $(grep -c == requirements.lock) packages"
