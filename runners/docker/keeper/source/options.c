/* The words of `run`. */
#include "options.h"

static bool limit_of(const char *word, struct program *program) {
  char resource[24];
  size_t length = 0;
  uint64_t number, most;
  while (word[length] && word[length] != ':') length++;
  if (word[length] != ':' || length >= sizeof resource) return false;
  memcpy(resource, word, length);
  resource[length] = 0;
  if (!number_of(resource, &number) || number > 15 || !number_of(word + length + 1, &most)) return false;
  if (program->limit_count == 16) return false;
  program->limits[program->limit_count++] = (struct limit){(int)number, most};
  return true;
}

/* DIR and the program's words come last: `DIR -- argv…`. */
bool read_options(int count, char **words, struct options *options) {
  *options = (struct options){.kept = UINT64_MAX};
  int at = 0;
  for (; at < count && words[at][0] == '-'; at++) {
    const char *word = words[at];
    uint64_t *number = 0;
    if (same(word, "-f")) options->follow = true;
    else if (same(word, "-c")) options->commanded = true;
    else if (same(word, "-i")) options->input = true;
    else if (same(word, "-s")) options->stay = true;
    else if (same(word, "-k")) options->stay = options->keep = true;
    else if (same(word, "-o")) number = &options->kept;
    else if (same(word, "-t")) number = &options->time_limit_ms;
    else if (same(word, "-g")) number = &options->grace_ms;
    else if (same(word, "-y")) number = &options->program.size;
    else if (same(word, "-m")) number = &options->program.mark;
    else if (!same(word, "-l") || ++at >= count || !limit_of(words[at], &options->program)) return false;
    if (number && (++at >= count || !number_of(words[at], number))) return false;
  }
  if (count - at < 3 || !words[at][0] || !same(words[at + 1], "--")) return false;
  if (options->time_limit_ms > MOST_MS || options->grace_ms > MOST_MS) return false;
  uint64_t size = options->program.size;
  if (size && (!options->input || size >> 32 || !(size & 65535) || !(size >> 16))) return false;
  options->place = words[at];
  options->program.argv = words + at + 2;
  return true;
}
