/* The program: forked, given a session and limits, executed. */
#include "keeper.h"

struct kernel_sigaction { uintptr_t handler; uint64_t flags; uintptr_t restorer; uint64_t mask; };

static void default_signals(void) {
  struct kernel_sigaction standard = {0, 0, 0, 0};
  uint64_t none = 0;
  for (int signal = 1; signal <= ALL_SIGNALS; signal++) sys(rt_sigaction, signal, &standard, 0, 8);
  sys(rt_sigprocmask, SIG_SETMASK, &none, 0, 8);
}

/* No limit is raised: where the machine allows less, less is allowed. */
static long set_limits(const struct program *program) {
  struct rlimit has;
  for (int i = 0; i < program->limit_count; i++) {
    struct limit limit = program->limits[i];
    long error = sys(prlimit64, 0, limit.resource, 0, &has);
    if (error == 0 && limit.most < has.hard) has.hard = limit.most;
    has.soft = has.hard;
    if (error == 0) error = sys(prlimit64, 0, limit.resource, &has, 0);
    if (error) return error;
  }
  if (program->mark == 0) return 0;
  long error = sys(prlimit64, 0, RLIMIT_RTTIME, 0, &has);
  has.soft = program->mark;
  return error ? error : sys(prlimit64, 0, RLIMIT_RTTIME, &has, 0);
}

static const char *path_of(char **environment) {
  for (; *environment; environment++)
    if (length_of(*environment) >= 5 && memcmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  return "/bin:/usr/bin";
}

/* As execvp(3) looks for it, but without a shell for what the kernel cannot execute. */
static long execute(char **argv, char **environment) {
  char file[4096];
  const char *name = argv[0], *path = path_of(environment);
  size_t length = length_of(name);
  bool denied = false;
  if (length == 0) return -ENOENT;
  for (size_t i = 0; i < length; i++)
    if (name[i] == '/') return sys(execve, name, argv, environment);
  for (;;) {
    size_t folder = 0;
    while (path[folder] && path[folder] != ':') folder++;
    long error = -ENAMETOOLONG;
    if (folder + length + 2 <= sizeof file) {
      size_t at = folder;
      memcpy(file, path, folder);
      if (folder > 0) file[at++] = '/';
      memcpy(file + at, name, length + 1);
      error = sys(execve, file, argv, environment);
    }
    if (error == -EACCES) denied = true;
    else if (error != -ENOENT && error != -ENOTDIR && error != -ESTALE && error != -ENODEV && error != -ETIMEDOUT &&
             error != -ENAMETOOLONG)
      return error;
    path += folder;
    if (!*path++) return denied ? -EACCES : -ENOENT;
  }
}

__attribute__((noreturn)) static void become(const struct program *program, int out, int err, int tell) {
  long error = 0;
  if (program->end_with_keeper) sys(prctl, PR_SET_PDEATHSIG, SIGKILL);
  error = sys(setsid);
  if (error >= 0 && program->size) error = enter_terminal();
  else {
    if (error >= 0) error = sys(dup3, program->input, 0, 0);
    if (error >= 0) error = sys(dup3, out, 1, 0);
    if (error >= 0) error = sys(dup3, err, 2, 0);
  }
  if (error >= 0) error = set_limits(program);
  if (error >= 0) {
    default_signals();
    error = execute(program->argv, program->environment);
  }
  int number = (int)-error;
  write_all(tell, &number, sizeof number);
  leave(127);
}

int start_program(const struct program *program, int *out, int *err) {
  int outs[2] = {-1, -1}, errs[2] = {-1, -1}, word[2], failure = 0;
  long error = sys(pipe2, word, O_CLOEXEC);
  if (program->size) {
    outs[0] = (int)open_terminal(program->size);
    if (outs[0] < 0) return ENOTTY;
  } else {
    if (error == 0) error = sys(pipe2, outs, O_CLOEXEC);
    if (error == 0) error = sys(pipe2, errs, O_CLOEXEC);
  }
  if (error) return (int)-error;
  int pid = fork_plain();
  if (pid == 0) become(program, outs[1], errs[1], word[1]);
  if (pid < 0) return -pid;
  if (!program->size) {
    sys(close, outs[1]);
    sys(close, errs[1]);
  }
  sys(close, word[1]);
  long told = read_some(word[0], &failure, sizeof failure);
  sys(close, word[0]);
  if (told == sizeof failure) {
    sys(wait4, pid, 0, WALL, 0);
    return failure;
  }
  sys(fcntl, outs[0], F_SETFL, O_NONBLOCK);
  if (!program->size) sys(fcntl, errs[0], F_SETFL, O_NONBLOCK);
  leader = pid;
  *out = outs[0];
  *err = errs[0];
  return 0;
}
