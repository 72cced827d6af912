// LP_WIDE_VECTORS before a function's definition: compile it twice on x86-64, for every processor
// and for those with AVX2, and choose when the library is loaded. For plain loops over pixels; on
// Arm the instructions that every 64-bit processor has serve.
#pragma once

// Sanitizers do not run yet when the choice is made.
#if defined(__x86_64__) && defined(__linux__) && !defined(__ANDROID__) && \
    !defined(LP_SANITIZED)
#define LP_WIDE_VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define LP_WIDE_VECTORS
#endif
