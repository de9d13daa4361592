#include "keeper.h"

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n hlt\n");
#else
__asm__(".globl _start\n_start:\n mov x29, #0\n mov x30, #0\n mov x0, sp\n bl begin\n brk #0\n");
#endif

static int wrong(void) {
  return complain(USAGE,
                  "usage: keeper init | run [-f [-c]] [-i [-y SIZE]] [-s|-k] [-o BYTES] [-t MS] [-g MS] [-m MARK] [-l RESOURCE:N]… DIR -- "
                  "PROGRAM… | read [-c] DIR FROM | tell DIR signal N|stop MS|size SIZE|eof | feed DIR | kill DIR | forget DIR… | unlink FILE…",
                  0, 0);
}

static int forget(int count, char **paths) {
  for (int i = 0, code; i < count; i++) {
    int place = open_place(paths[i], &code);
    if (place < 0) continue;
    forget_place(place, paths[i]);
    sys(close, place);
  }
  return DONE;
}

/* What the engine has emptied. */
static int unlink_all(int count, char **paths) {
  for (int i = 0; i < count; i++) sys(unlinkat, AT_FDCWD, paths[i], 0);
  return DONE;
}

static int choose(int count, char **words, char **environment) {
  if (count < 2) return wrong();
  const char *mode = words[1];
  int code = USAGE;
  if (same(mode, "init") && count == 2) return init();
  if (same(mode, "run")) code = run(count - 2, words + 2, environment);
  else if (same(mode, "tell")) code = tell(count - 2, words + 2);
  else if (same(mode, "feed") && count == 3) return feed(words[2]);
  else if (same(mode, "kill") && count == 3) return kill_left(words[2]);
  else if (same(mode, "forget") && count > 2) return forget(count - 2, words + 2);
  else if (same(mode, "unlink") && count > 2) return unlink_all(count - 2, words + 2);
  else if (same(mode, "read") && count > 3) {
    uint64_t from;
    bool commanded = same(words[2], "-c");
    char **rest = words + (commanded ? 3 : 2);
    if (count - (rest - words) != 2 || !number_of(rest[1], &from)) return wrong();
    int place = open_place(rest[0], &code);
    return place < 0 ? code : follow(place, rest[0], from, commanded);
  }
  return code == USAGE ? wrong() : code;
}

__attribute__((noreturn, used)) void begin(long *stack) {
  int count = (int)stack[0];
  char **words = (char **)(stack + 1);
  /* What is opened must not come to stand for a closed stdin, stdout or stderr. */
  int fd;
  do fd = (int)sys(openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd <= 2);
  /* Nor may a program get what was left open to us. Before Linux 5.9 that takes longer. */
  if (sys(close_range, 3, ~0u, 0) < 0)
    for (fd = 3; fd < 1024; fd++) sys(close, fd);
  block_signals(SIGNAL_BIT(SIGPIPE));
  leave(choose(count, words, words + count + 1));
}
