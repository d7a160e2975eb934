#!/usr/bin/env bash
# A sampler that fails must not cost the rows of the others (PerfKitBenchmarker#573, #303).
source "$(dirname "${BASH_SOURCE[0]}")/common/case.sh"
g compare dead.json --samplers draw,bootstrap --count 20 --quiet >o 2>err
grep -qE '^draw ' o || wrong "bootstrap has no weights left, and the row of draw is not there: $(tail -1 err)"
echo right
