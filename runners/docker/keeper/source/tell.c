/* `tell`: one line to a keeper. */
#include "keeper.h"

enum { WAIT_US = 2000000 };

/* A line is written whole or not at all: it is shorter than PIPE_BUF. */
int send_line(int place, const char *line) {
  long control = sys(openat, place, "control", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (control == -ENXIO || control == -ENOENT) {
    bool ended;
    keeper_is_gone(place, &ended);
    return complain(KEEPER_DIED, ended ? "that run is over" : "the keeper of this run died", 0, 0);
  }
  if (control < 0) return complain(FAILED, "cannot open the control", 0, control);
  int64_t until = now_us(CLOCK_MONOTONIC) + WAIT_US;
  for (;;) {
    long count = write_some((int)control, line, length_of(line));
    if (count > 0) return DONE;
    if (count != -EAGAIN || now_us(CLOCK_MONOTONIC) > until)
      return complain(count == -EPIPE ? KEEPER_DIED : FAILED, "the keeper does not listen", 0, count);
    sleep_us(5000);
  }
}

static char *put_text(char *at, const char *text) {
  while ((*at = *text++)) at++;
  return at;
}

int tell(int count, char **words) {
  char line[64];
  uint64_t number = 0;
  int code;
  if (count < 2) return USAGE;
  bool end = same(words[1], "eof") && count == 2;
  bool signal = same(words[1], "signal") && count == 3;
  bool other = (same(words[1], "stop") || same(words[1], "size")) && count == 3;
  if (!end && !signal && !other) return USAGE;
  if (!end && !number_of(words[2], &number)) return USAGE;
  if (signal && (number < 1 || number > ALL_SIGNALS)) return USAGE;
  char *at = put_text(line, words[1]);
  if (!end) at = put_number(put_text(at, " "), number);
  put_text(at, "\n");
  int place = open_place(words[0], &code);
  return place < 0 ? code : send_line(place, line);
}
