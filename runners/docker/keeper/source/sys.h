/* The kernel, called by ourselves: there is no libc in a container that we could count on. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
enum {
  SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_fstat = 5, SYS_lseek = 8, SYS_rt_sigaction = 13,
  SYS_rt_sigprocmask = 14, SYS_ioctl = 16, SYS_pread64 = 17, SYS_nanosleep = 35, SYS_getpid = 39, SYS_clone = 56,
  SYS_execve = 59, SYS_wait4 = 61, SYS_kill = 62, SYS_fcntl = 72, SYS_flock = 73, SYS_fchdir = 81,
  SYS_getrusage = 98, SYS_geteuid = 107, SYS_getppid = 110, SYS_setsid = 112, SYS_rt_sigtimedwait = 128,
  SYS_prctl = 157, SYS_getdents64 = 217, SYS_clock_gettime = 228, SYS_exit_group = 231,
  SYS_inotify_add_watch = 254, SYS_openat = 257, SYS_mkdirat = 258, SYS_mknodat = 259, SYS_unlinkat = 263,
  SYS_linkat = 265, SYS_ppoll = 271, SYS_fallocate = 285, SYS_signalfd4 = 289, SYS_dup3 = 292,
  SYS_pipe2 = 293, SYS_close_range = 436, SYS_inotify_init1 = 294, SYS_prlimit64 = 302,
};
enum { O_DIRECTORY = 0200000, O_NOFOLLOW = 0400000 };
enum { STAT_MODE = 24, STAT_UID = 28 };
#elif defined(__aarch64__)
enum {
  SYS_dup3 = 24, SYS_fcntl = 25, SYS_inotify_init1 = 26, SYS_inotify_add_watch = 27, SYS_ioctl = 29, SYS_flock = 32,
  SYS_mknodat = 33, SYS_mkdirat = 34, SYS_unlinkat = 35, SYS_linkat = 37, SYS_fallocate = 47,
  SYS_fchdir = 50, SYS_openat = 56, SYS_close = 57, SYS_pipe2 = 59, SYS_getdents64 = 61, SYS_lseek = 62,
  SYS_read = 63, SYS_write = 64, SYS_pread64 = 67, SYS_ppoll = 73, SYS_signalfd4 = 74, SYS_fstat = 80,
  SYS_exit_group = 94, SYS_nanosleep = 101, SYS_clock_gettime = 113, SYS_kill = 129,
  SYS_rt_sigaction = 134, SYS_rt_sigprocmask = 135, SYS_rt_sigtimedwait = 137, SYS_setsid = 157,
  SYS_getrusage = 165, SYS_prctl = 167, SYS_getpid = 172, SYS_getppid = 173, SYS_geteuid = 175,
  SYS_clone = 220, SYS_execve = 221, SYS_wait4 = 260, SYS_prlimit64 = 261, SYS_close_range = 436,
};
enum { O_DIRECTORY = 040000, O_NOFOLLOW = 0100000 };
enum { STAT_MODE = 16, STAT_UID = 24 };
#else
#error "x86_64 and aarch64 only"
#endif

enum {
  O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_EXCL = 0200, O_NOCTTY = 0400, O_TRUNC = 01000, O_APPEND = 02000,
  O_NONBLOCK = 04000, O_CLOEXEC = 02000000, AT_FDCWD = -100, AT_REMOVEDIR = 0x200, S_IFMT = 0170000, S_IFIFO = 010000,
  LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8, F_SETFL = 4,
  POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32,
  SIGHUP = 1, SIGKILL = 9, SIGPIPE = 13, SIGTERM = 15, SIGCHLD = 17, SIGSTOP = 19, SIGINT = 2, SIG_BLOCK = 0, SIG_SETMASK = 2,
  WNOHANG = 1, WALL = 0x40000000, PR_SET_PDEATHSIG = 1, PR_SET_CHILD_SUBREAPER = 36, RLIMIT_RTTIME = 15,
  CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, IN_MODIFY = 2, IN_CLOSE_WRITE = 8, RUSAGE_CHILDREN = -1,
};
enum {
  EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, ENXIO = 6, ECHILD = 10, EAGAIN = 11, EACCES = 13, EEXIST = 17,
  ENODEV = 19, ENOTDIR = 20, EINVAL = 22, ENOTTY = 25, EPIPE = 32, ENAMETOOLONG = 36, ETIMEDOUT = 110, ESTALE = 116,
};

struct pollfd { int fd; short events; short revents; };
struct timespec { int64_t seconds; int64_t nanoseconds; };
struct rlimit { uint64_t soft; uint64_t hard; };
struct rusage { int64_t user_s, user_us, system_s, system_us, max_rss_kib, others[13]; };

static inline long sys6(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#else
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
#endif
}

#define SYS_WITH(number, a, b, c, d, e, f, ...) \
  sys6((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* sys(NAME, arguments…): the result, or minus the error number. */
#define sys(name, ...) SYS_WITH(SYS_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
