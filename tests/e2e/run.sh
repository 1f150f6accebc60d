#!/bin/sh
# Runs the end-to-end tests with the programs that COLLECTIVED and COLLECTIVE name, side by side
# (E2E_JOBS at a time, default 5: they mostly wait) where pytest has its xdist. Arguments go to
# pytest.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
jobs=${E2E_JOBS:-5}
if "$python" -c 'import xdist' >/dev/null 2>&1 && [ "$jobs" -gt 1 ]; then
	set -- -n "$jobs" --dist loadgroup "$@"
fi
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
cd "$here"
exec "$python" -m pytest -p no:cacheprovider --rootdir "$here" -q "$@"
