// Layers, initial weights, optimisers, batches, metrics, progress.
#pragma once

#include "nn/activation.hpp"
#include "nn/batches.hpp"
#include "nn/init.hpp"
#include "nn/linear.hpp"
#include "nn/metrics.hpp"
#include "nn/module.hpp"
#include "nn/optimise.hpp"
#include "nn/progress.hpp"
#include "nn/random.hpp"
