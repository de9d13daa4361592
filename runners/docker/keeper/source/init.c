/* `init`, the first process of a container, and `kill`, for what a keeper that was killed left. */
#include "keeper.h"

/*
 * Every child is an orphan: the keeper it would have gone to is gone. A keeper's end is seen by that of its helper,
 * which dies with it and is then a child of ours.
 */
int init(void) {
  uint64_t wanted = SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGTERM) | SIGNAL_BIT(SIGINT);
  block_signals(EVERY_SIGNAL);
  struct target orphans = {(int)sys(getpid), 0};
  /* Where there is no such thing, keepers are none either, and an orphan is no sign of a dead one. */
  all_are_ours = sys(prctl, PR_SET_CHILD_SUBREAPER, 1) == 0;
  for (;;) {
    bool killed = false;
    if (reap() && all_are_ours) kill_all(orphans, &killed);
    long signal = sys(rt_sigtimedwait, &wanted, 0, 0, 8);
    if (signal == SIGTERM || signal == SIGINT) return DONE;
  }
}

int kill_left(const char *path) {
  char text[24], line[24];
  struct target left = {0, 0};
  bool killed = false;
  int code, place = open_place(path, &code);
  if (place < 0) return code;
  long fd = sys(openat, place, "mark", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  long count = fd < 0 ? fd : read_some((int)fd, text, sizeof text - 1);
  if (count < 0) return complain(FAILED, "that run has no mark", path, count);
  text[count > 0 && text[count - 1] == '\n' ? count - 1 : count] = 0;
  if (!number_of(text, &left.mark) || left.mark == 0) return complain(FAILED, "that mark is none", path, 0);
  /* One that its program has stopped does its work as soon as it may. */
  wake_keepers();
  char *at = put_number(line, kill_all(left, &killed));
  *at++ = '\n';
  return write_all(1, line, (size_t)(at - line)) ? DONE : FAILED;
}
