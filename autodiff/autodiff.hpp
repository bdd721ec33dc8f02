// The whole engine: arrays, variables, the tape, all ops, and what is made of them.
#pragma once

#include "autodiff/array.hpp"
#include "autodiff/checkpoint.hpp"
#include "autodiff/custom.hpp"
#include "autodiff/derivatives.hpp"
#include "autodiff/ops/conv.hpp"
#include "autodiff/ops/index.hpp"
#include "autodiff/ops/linalg.hpp"
#include "autodiff/ops/matmul.hpp"
#include "autodiff/ops/norm.hpp"
#include "autodiff/ops/pool.hpp"
#include "autodiff/ops/random.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/parallel.hpp"
#include "autodiff/tape.hpp"
#include "autodiff/variable.hpp"
