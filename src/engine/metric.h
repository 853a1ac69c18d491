/* Inside the engine: the metrics' columns functions. Section numbers are those of engine/metric.c. */
#ifndef HUITOU_ENGINE_METRIC_H
#define HUITOU_ENGINE_METRIC_H

#include "engine/engine.h"

#endif
