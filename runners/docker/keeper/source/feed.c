/* `feed`: standard input for a program, in frames of u32le length and bytes; length 0 is its end. */
#include "keeper.h"

static uint8_t bytes[MOST_PAYLOAD];

/* A pipe without a reader: the program closed it, or there is no program any more. */
static int closed(int place) {
  bool ended;
  if (keeper_is_gone(place, &ended) && !ended) return complain(KEEPER_DIED, "the keeper of this run died", 0, 0);
  return complain(CLOSED, "the program takes no input", 0, 0);
}

/* False: the program closed its end while we waited for `fd`. */
static bool await(int fd, short events, int input) {
  struct pollfd polls[2] = {{fd, events, 0}, {input, 0, 0}};
  wait_for(polls, 2, -1);
  return !(polls[1].revents & POLLERR);
}

/* All of `length` bytes of our stdin; 1, or 0 at its end, or the exit code plus 2. */
static int take(int place, int input, uint8_t *at, size_t length) {
  while (length > 0) {
    if (!await(0, POLLIN, input)) return closed(place) + 2;
    long count = read_some(0, at, length);
    if (count == -EAGAIN) continue;
    if (count < 0) return complain(FAILED, "cannot read the input", 0, count) + 2;
    if (count == 0) return 0;
    at += count;
    length -= (size_t)count;
  }
  return 1;
}

/* Passes on, and says how many bytes were taken so far as soon as they are; -1, or an exit code. */
static int pass_on(int place, int input, size_t length, uint64_t *total) {
  for (size_t done = 0; done < length;) {
    uint8_t said[8];
    long count = write_some(input, bytes + done, length - done);
    if (count == -EAGAIN) {
      await(input, POLLOUT, input);
      continue;
    }
    if (count == -EPIPE) return closed(place);
    if (count < 0) return complain(FAILED, "cannot pass the input on", 0, count);
    done += (size_t)count;
    put_u64(said, *total += (uint64_t)count);
    if (!write_all(1, said, sizeof said)) return FAILED;
  }
  return -1;
}

int feed(const char *path) {
  int code, place = open_place(path, &code);
  if (place < 0) return code;
  long input = sys(openat, place, "stdin", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (input == -ENXIO || input == -ENOENT) return closed(place);
  if (input < 0) return complain(FAILED, "cannot open the input", 0, input);
  uint64_t total = 0;
  for (;;) {
    uint8_t head[4];
    int got = take(place, (int)input, head, sizeof head);
    if (got != 1) return got == 0 ? DONE : got - 2;
    size_t left = get_u32(head);
    if (left == 0) return send_line(place, "eof\n");
    while (left > 0) {
      size_t part = left < sizeof bytes ? left : sizeof bytes;
      if (!await(0, POLLIN, (int)input)) return closed(place);
      long count = read_some(0, bytes, part);
      if (count == -EAGAIN) continue;
      if (count < 0) return complain(FAILED, "cannot read the input", 0, count);
      if (count == 0) return DONE;
      left -= (size_t)count;
      code = pass_on(place, (int)input, (size_t)count, &total);
      if (code >= 0) return code;
    }
  }
}
