/*
 * The processes of a program, wherever they went: who descends from the family's root, for a subreaper's descendants
 * stay its own, and who carries the mark, a soft RLIMIT_RTTIME that every process inherits.
 */
#include "keeper.h"

enum { MOST = 32768, SETTLE_US = 2000000, MIN_ROUNDS = 6, FREEZE_US = 100000 };

struct process { int pid, parent; uint64_t start; bool living, chosen, keeper; };
struct look { struct process found[MOST]; int count; };
static struct look looks[2];
static struct look *now = &looks[0], *before = &looks[1];

static long read_of(int pid, const char *name, char *text, size_t most) {
  char path[64] = "/proc/", *at = put_number(path + 6, (uint64_t)pid);
  *at++ = '/';
  while ((*at++ = *name++)) {}
  long fd = sys(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  long count = read_some((int)fd, text, most - 1);
  sys(close, fd);
  text[count > 0 ? count : 0] = 0;
  return count;
}

static uint64_t digits(const char *at) {
  uint64_t value = 0;
  for (; *at >= '0' && *at <= '9'; at++) value = value * 10 + (uint64_t)(*at - '0');
  return value;
}

/* proc(5): the name is in parentheses and may hold anything; fields count after the last one. */
static bool examine(int pid, struct process *process) {
  char text[1024], *at = 0;
  if (read_of(pid, "stat", text, sizeof text) <= 0) return false;
  for (char *c = text; *c; c++)
    if (*c == ')') at = c + 2;
  if (!at) return false;
  uint64_t threads = 0;
  const char *name = text;
  while (*name && *name++ != '(') {}
  *process = (struct process){.pid = pid, .keeper = memcmp(name, "keeper)", 7) == 0};
  char state = *at;
  for (int field = 3; *at && field <= 22; field++) {
    if (field == 4) process->parent = (int)digits(at);
    if (field == 20) threads = digits(at);
    if (field == 22) process->start = digits(at);
    while (*at && *at++ != ' ') {}
  }
  /* Other threads may go on when the first has ended. */
  process->living = state != 'X' && (state != 'Z' || threads > 1);
  return true;
}

static bool carries(int pid, uint64_t mark) {
  static const char NAME[] = "Max realtime timeout";
  char text[4096];
  if (mark == 0 || read_of(pid, "limits", text, sizeof text) <= 0) return false;
  for (char *line = text; *line;) {
    if (memcmp(line, NAME, sizeof NAME - 1) == 0) {
      for (line += sizeof NAME - 1; *line == ' '; line++) {}
      return digits(line) == mark;
    }
    while (*line && *line++ != '\n') {}
  }
  return false;
}

static struct process *in(struct look *look, int pid) {
  int low = 0, high = look->count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (look->found[middle].pid == pid) return &look->found[middle];
    if (look->found[middle].pid < pid) low = middle + 1;
    else high = middle;
  }
  return 0;
}

static void add(struct look *look, struct process process) {
  if (look->count == MOST) return;
  int at = look->count++;
  for (; at > 0 && look->found[at - 1].pid > process.pid; at--) look->found[at] = look->found[at - 1];
  look->found[at] = process;
}

static void scan(struct look *look) {
  static char entries[32768];
  look->count = 0;
  long proc = sys(openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), size;
  if (proc < 0) return;
  while ((size = sys(getdents64, proc, entries, sizeof entries)) > 0)
    for (long at = 0; at < size; at += *(uint16_t *)(entries + at + 16)) {
      uint64_t pid;
      struct process process;
      if (number_of(entries + at + 19, &pid) && examine((int)pid, &process)) add(look, process);
    }
  sys(close, proc);
}

void wake_keepers(void) {
  scan(now);
  for (int i = 0; i < now->count; i++)
    if (now->found[i].keeper) sys(kill, now->found[i].pid, 18); /* SIGCONT */
}

static void choose(struct look *look, struct target target) {
  int self = (int)sys(getpid);
  bool more = true;
  for (int i = 0; i < look->count; i++) {
    struct process *process = &look->found[i];
    process->chosen = (target.family && process->parent == target.family) || carries(process->pid, target.mark);
    if (process->pid == self || process->pid == helper_pids[0] || process->pid == helper_pids[1])
      process->chosen = false;
  }
  while (more) {
    more = false;
    for (int i = 0; i < look->count; i++) {
      struct process *process = &look->found[i], *parent = process->chosen ? 0 : in(look, process->parent);
      if (!parent || !parent->chosen || process->pid == self) continue;
      process->chosen = more = true;
    }
  }
}

struct seen { uint32_t living, born, barred; };

/* One signal to all that are found, the youngest first: who sees its parent killed would be continued. */
static struct seen sweep(struct target target, int signal) {
  struct seen seen = {0, 0, 0};
  struct look *last = now;
  now = before;
  before = last;
  scan(now);
  choose(now, target);
  for (int i = now->count - 1; i >= 0; i--) {
    struct process *process = &now->found[i], *known = in(before, process->pid), again;
    if (!process->chosen || !process->living) continue;
    seen.living++;
    if (!known || known->start != process->start || !known->chosen) seen.born++;
    /* Of our own children no pid is used again before they are reaped. */
    if (process->parent != target.family && (!examine(process->pid, &again) || again.start != process->start)) continue;
    if (sys(kill, process->pid, signal) == -EPERM) seen.barred++;
  }
  return seen;
}

static bool children_left(struct target target) {
  return reap() && target.family != 0 && all_are_ours;
}

/* What is stopped cannot fork, and a place that a bomb may fill again is not made free. */
static void freeze(struct target target) {
  int64_t until = now_us(CLOCK_MONOTONIC) + FREEZE_US;
  while (sweep(target, SIGSTOP).born > 0 && now_us(CLOCK_MONOTONIC) < until) {}
  sweep(target, SIGKILL);
}

uint32_t kill_all(struct target target, bool *killed) {
  int64_t until = now_us(CLOCK_MONOTONIC) + SETTLE_US;
  int quiet = 0;
  for (int round = 1, pause = 1000;; round++) {
    if (!reap() && target.mark == 0 && all_are_ours) return 0;
    /* This needs no /proc. */
    if (leader && !leader_gone && sys(kill, -leader, SIGKILL) == 0) *killed = true;
    struct seen seen = sweep(target, SIGKILL);
    if (seen.living > seen.barred) *killed = true;
    /* Children that cannot be seen: without /proc the group is all that can be named. */
    if (seen.living == 0 && leader && all_are_ours && reap() && sys(kill, -leader, SIGKILL) == 0) *killed = true;
    quiet = seen.living == 0 ? quiet + 1 : 0;
    if (quiet > 0 && all_are_ours && !reap()) return 0;
    /* Without that proof two looks in a row must have found none. */
    if (quiet > 1 && !children_left(target)) return 0;
    bool all_barred = seen.living > 0 && seen.living == seen.barred && round > 1;
    if (round >= MIN_ROUNDS && (all_barred || now_us(CLOCK_MONOTONIC) > until))
      return seen.living > 0 ? seen.living : children_left(target);
    if (round > 1 && seen.born > 0) freeze(target);
    sleep_us(pause);
    if (pause < 20000) pause *= 2;
  }
}
