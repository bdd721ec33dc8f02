// The whole engine: arrays, variables, the tape, all ops.
#pragma once

#include "autodiff/array.hpp"
#include "autodiff/ops/index.hpp"
#include "autodiff/ops/linalg.hpp"
#include "autodiff/ops/matmul.hpp"
#include "autodiff/ops/norm.hpp"
#include "autodiff/ops/random.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/tape.hpp"
#include "autodiff/variable.hpp"
