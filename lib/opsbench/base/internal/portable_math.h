#ifndef OPSBENCH_BASE_INTERNAL_PORTABLE_MATH_H_
#define OPSBENCH_BASE_INTERNAL_PORTABLE_MATH_H_

// Logarithm and exponential with the same bits on every platform.
//
// The C library's are not: glibc picks a variant with or without fused
// multiply-add by the processor that it runs on, so that one binary draws
// different numbers on two machines. These use only the operations that IEEE
// 754 rounds exactly. REQUIRES: compiled with -ffp-contract=off, because a
// compiler may otherwise fuse them again.
//
// Thread safety: pure functions.
//
// Source: FreeBSD's msun, e_log.c and e_exp.c; below 1 ulp from the true value.
// Copyright (C) 1993, 2004 by Sun Microsystems, Inc. All rights reserved.
// Permission to use, copy, modify, and distribute this software is freely
// granted, provided that this notice is preserved.

#include <bit>
#include <cstdint>
#include <limits>

namespace opsbench::internal {

inline constexpr double kLn2High = 6.93147180369123816490e-01;
inline constexpr double kLn2Low = 1.90821492927058770002e-10;

// The natural logarithm. REQUIRES: x is normal, positive and finite.
constexpr double PortableLog(double x) {
  // x = 2^k * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
  constexpr uint64_t kOne = 0x3ff0000000000000;
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e00000000;
  const uint64_t bits = std::bit_cast<uint64_t>(x) + (kOne - kSqrtHalf);
  const double k = static_cast<double>(static_cast<int>(bits >> 52) - 1023);
  const double f =
      std::bit_cast<double>((bits & 0x000fffffffffffff) + kSqrtHalf) - 1;
  const double s = f / (2 + f);
  const double z = s * s;
  const double w = z * z;
  const double even =
      w * (3.999999999940941908e-01 +
           w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const double odd =
      z * (6.666666666666735130e-01 +
           w * (2.857142874366239149e-01 +
                w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const double half_square = 0.5 * f * f;
  return s * (half_square + (odd + even)) + k * kLn2Low - half_square + f +
         k * kLn2High;
}

// e^x. Infinite above 709; 0 below -708, where results are no longer normal.
// REQUIRES: x is not a NaN.
constexpr double PortableExp(double x) {
  if (x > 709) {
    return std::numeric_limits<double>::infinity();
  }
  if (x < -708) {
    return 0;
  }
  // x = k * ln(2) + r with |r| <= ln(2) / 2.
  const int k =
      static_cast<int>(x * 1.44269504088896338700e+00 + (x < 0 ? -0.5 : 0.5));
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  const double z = r * r;
  const double c = r - z * (1.66666666666666019037e-01 +
                            z * (-2.77777777770155933842e-03 +
                                 z * (6.61375632143793436117e-05 +
                                      z * (-1.65339022054652515390e-06 +
                                           z * 4.13813679705723846039e-08))));
  const double y = 1 + (r * c / (2 - c) - low + high);
  return y * std::bit_cast<double>(static_cast<uint64_t>(k + 1023) << 52);
}

}  // namespace opsbench::internal

#endif  // OPSBENCH_BASE_INTERNAL_PORTABLE_MATH_H_
