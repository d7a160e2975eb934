#pragma once

namespace gmdiff::targets {

/// log Gamma(x), x > 0, with the same bits on every machine; the C library's may depend on the processor.
long double log_gamma(long double x);

}  // namespace gmdiff::targets
