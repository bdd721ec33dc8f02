#include "nn/random.hpp"

namespace wengert::nn {

// True with probability e^-x, 0 <= x <= 1 (J. von Neumann, 1951). x > u1 > u2 > ... > un holds for n uniform
// numbers with probability x^n/n!, so the first break comes at an even n with 1 - x + x^2/2! - ... = e^-x.
bool Random::chance_of_exp(double x) {
  for (bool even = true;; even = !even) {
    const double u = uniform();
    if (u >= x) return even;
    x = u;
  }
}

// The density at k + x, k whole and 0 <= x < 1, is that of an exponential law times two corrections below 1:
//   e^(-(k + x)^2/2) = e^(-k/2)  e^(-k(k-1)/2)  e^(-x(2k + x)/2)
// k is drawn with the first, and all is drawn again with what the others refuse.
double Random::normal() {
  for (;;) {
    int k = 0;
    while (chance_of_exp(0.5)) ++k;
    bool accepted = true;
    for (int i = 0; accepted && i < k * (k - 1); ++i) accepted = chance_of_exp(0.5);
    if (!accepted) continue;
    const double x = uniform(),
                 part = x * (2 * k + x) / (2 * k + 2);  // in [0, 1); k + 1 such chances are needed
    for (int i = 0; accepted && i <= k; ++i) accepted = chance_of_exp(part);
    if (accepted) return (*this)() >> 63 ? k + x : -(k + x);
  }
}

}  // namespace wengert::nn
