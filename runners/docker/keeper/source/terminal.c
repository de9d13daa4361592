/* The terminal of a program: all its descriptors are the slave, and the keeper reads and types at the master. */
#include "keeper.h"

enum {
  TCGETS = 0x5401, TCSETS = 0x5402, TIOCSCTTY = 0x540e, TIOCSWINSZ = 0x5414, TIOCSPTLCK = 0x40045431, TIOCGPTPEER = 0x5441,
  IUTF8 = 040000, ICANON = 2, VEOF = 4, AT_ONCE = 16,
};
struct termios { uint32_t input, output, control, local; uint8_t line, characters[19]; };

int slave = -1;
static uint8_t typed[4096], last_typed = '\n';
static size_t held, passed;
static bool end_due;

void size_terminal(int master, uint64_t size) {
  uint16_t window[4] = {(uint16_t)size, (uint16_t)(size >> 16), 0, 0};
  sys(ioctl, master, TIOCSWINSZ, window);
}

long open_terminal(uint64_t size) {
  int locked = 0;
  struct termios modes;
  long master = sys(openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0) return master;
  long error = sys(ioctl, master, TIOCSPTLCK, &locked);
  if (error == 0) slave = (int)(error = sys(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (error < 0) return error;
  if (sys(ioctl, slave, TCGETS, &modes) == 0) {
    modes.input |= IUTF8;
    sys(ioctl, slave, TCSETS, &modes);
  }
  size_terminal((int)master, size);
  return master;
}

long enter_terminal(void) {
  long error = sys(ioctl, slave, TIOCSCTTY, 0);
  for (int fd = 0; fd <= 2 && error >= 0; fd++) error = sys(dup3, slave, fd, 0);
  return error;
}

void let_go_of_terminal(void) {
  if (slave >= 0) sys(close, slave);
  slave = -1;
}

struct pollfd typing_poll(int master, int input) {
  return held > passed ? (struct pollfd){master, POLLOUT, 0} : (struct pollfd){input, POLLIN, 0};
}

/* Ctrl-D, or what stands for it; twice behind a line that was begun, where the program reads by line. */
static void put_end(int master) {
  struct termios modes = {0};
  modes.characters[VEOF] = 4;
  sys(ioctl, master, TCGETS, &modes);
  uint8_t end = modes.characters[VEOF];
  bool begun = last_typed != '\n' && last_typed != '\r' && last_typed != end;
  typed[0] = typed[1] = last_typed = end;
  held = begun && (modes.local & ICANON) ? 2 : 1;
}

void type_on(int master, int input) {
  if (master < 0 || input < 0) return;
  for (int turn = 0; turn < AT_ONCE; turn++) {
    if (held == passed) {
      long count = read_some(input, typed, sizeof typed);
      held = passed = 0;
      if (count > 0) last_typed = typed[(held = (size_t)count) - 1];
      else if (end_due) {
        end_due = false;
        put_end(master);
      } else return;
    }
    long count = write_some(master, typed + passed, held - passed);
    if (count == -EAGAIN) return;
    passed = count > 0 ? passed + (size_t)count : held;
  }
}

void end_typing(int master, int input) {
  end_due = true;
  type_on(master, input);
}
