#pragma once
#include "keeper.h"

/* Some thirty years: no sum of times leaves 64 bits. */
#define MOST_MS ((uint64_t)1000000000000)

struct options {
  const char *place;
  bool follow, commanded, input, stay, keep;
  uint64_t kept, time_limit_ms, grace_ms;
  struct program program;
};

bool read_options(int count, char **words, struct options *options);
