/* What a libc would have brought. */
#include "keeper.h"

/* gcc calls these by itself. */
void *memcpy(void *to, const void *from, size_t length) {
  for (size_t i = 0; i < length; i++) ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
  return to;
}

void *memmove(void *to, const void *from, size_t length) {
  volatile uint8_t *a = to;
  const uint8_t *b = from;
  if ((uintptr_t)to < (uintptr_t)from)
    for (size_t i = 0; i < length; i++) a[i] = b[i];
  else
    for (size_t i = length; i > 0; i--) a[i - 1] = b[i - 1];
  return to;
}

void *memset(void *at, int value, size_t length) {
  for (size_t i = 0; i < length; i++) ((volatile uint8_t *)at)[i] = (uint8_t)value;
  return at;
}

int memcmp(const void *a, const void *b, size_t length) {
  const uint8_t *x = a, *y = b;
  for (size_t i = 0; i < length; i++)
    if (x[i] != y[i]) return x[i] - y[i];
  return 0;
}

size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

bool same(const char *a, const char *b) {
  size_t length = length_of(a);
  return length == length_of(b) && memcmp(a, b, length) == 0;
}

bool number_of(const char *text, uint64_t *number) {
  uint64_t value = 0;
  if (!*text) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9' || value > (INT64_MAX - 9) / 10) return false;
    value = value * 10 + (uint64_t)(*text - '0');
  }
  *number = value;
  return true;
}

char *put_number(char *at, uint64_t number) {
  char digits[20];
  int count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while (number /= 10);
  while (count > 0) *at++ = digits[--count];
  *at = 0;
  return at;
}

void put_u32(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

void put_u64(uint8_t *at, uint64_t value) {
  for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> (8 * i));
}

uint32_t get_u32(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

int64_t now_us(int clock) {
  struct timespec time = {0, 0};
  sys(clock_gettime, clock, &time);
  return time.seconds * 1000000 + time.nanoseconds / 1000;
}

void sleep_us(int64_t us) {
  struct timespec time = {us / 1000000, us % 1000000 * 1000};
  sys(nanosleep, &time, 0);
}

long read_some(int fd, void *bytes, size_t length) {
  long count;
  do count = sys(read, fd, bytes, length);
  while (count == -EINTR);
  return count;
}

long write_some(int fd, const void *bytes, size_t length) {
  long count;
  do count = sys(write, fd, bytes, length);
  while (count == -EINTR);
  return count;
}

bool write_all(int fd, const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  while (length > 0) {
    long count = write_some(fd, at, length);
    if (count == -EAGAIN) {
      struct pollfd poll = {fd, POLLOUT, 0};
      wait_for(&poll, 1, -1);
      continue;
    }
    if (count <= 0) return false;
    at += count;
    length -= (size_t)count;
  }
  return true;
}

/* us < 0: without end. An interruption counts as a wake-up: every caller looks again. */
long wait_for(struct pollfd *polls, int count, int64_t us) {
  struct timespec time = {us / 1000000, us % 1000000 * 1000};
  long ready = sys(ppoll, polls, count, us < 0 ? 0 : &time, 0, 8);
  if (ready <= 0)
    for (int i = 0; i < count; i++) polls[i].revents = 0;
  return ready;
}

void block_signals(uint64_t which) { sys(rt_sigprocmask, SIG_BLOCK, &which, 0, 8); }

int complain(int code, const char *what, const char *which, long error) {
  char line[512], *at = line;
  const char *parts[] = {"keeper: ", what, which ? ": " : "", which ? which : ""};
  for (int i = 0; i < 4; i++)
    for (const char *c = parts[i]; *c && at < line + 470; c++) *at++ = *c;
  if (error) {
    for (const char *c = ": error "; *c; c++) *at++ = *c;
    at = put_number(at, (uint64_t)(error < 0 ? -error : error));
  }
  *at++ = '\n';
  write_all(2, line, (size_t)(at - line));
  return code;
}

void leave(int code) {
  for (;;) sys(exit_group, code);
}

/* The directory of a run that was begun. */
int open_place(const char *path, int *code) {
  long place = sys(openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  long journal = place < 0 ? place : sys(openat, place, "journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (journal < 0) {
    bool absent = journal == -ENOENT || journal == -ENOTDIR;
    *code = complain(absent ? NO_JOURNAL : FAILED, absent ? "there is no journal in" : "cannot read", path, journal);
    return -1;
  }
  sys(close, journal);
  return (int)place;
}

long owner_and_mode(int fd, uint32_t *owner, uint32_t *mode) {
  uint8_t facts[256];
  long error = sys(fstat, fd, facts);
  *owner = get_u32(facts + STAT_UID);
  *mode = get_u32(facts + STAT_MODE);
  return error;
}
