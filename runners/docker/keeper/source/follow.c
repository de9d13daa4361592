/* `read`: the bytes of a journal, followed until its keeper has written the end. */
#include "keeper.h"

enum { POLL_US = 50000, CLOSING_US = 5000, CLOSING_LOOKS = 400 };

static uint8_t window[HEAD + MOST_PAYLOAD];
/* Lines come on our stdin, and no `forget` has come yet. */
static bool listens, forgetting;

/* What comes on stdin is for the keeper, but for `forget`, which is for us. */
static void hear(int place) {
  static char line[64];
  static size_t length;
  char bytes[256];
  long count = read_some(0, bytes, sizeof bytes);
  if (count == -EAGAIN) return;
  if (count <= 0) listens = false;
  for (long i = 0; i < count; i++) {
    if (length < sizeof line - 1) line[length++] = bytes[i];
    if (bytes[i] != '\n') continue;
    line[length] = 0;
    if (same(line, "forget\n")) forgetting = true;
    else send_line(place, line);
    length = 0;
  }
}

/* All was written out: until it is said that it can go, or that nobody says so any more. */
static int part(int place, const char *path) {
  while (listens && !forgetting) {
    struct pollfd polls[2] = {{1, 0, 0}, {0, POLLIN, 0}};
    wait_for(polls, 2, -1);
    if (polls[1].revents) hear(place);
    else if (polls[0].revents) break;
  }
  if (forgetting) forget_place(place, path);
  return DONE;
}

/* Is the journal whole and ended: walked from its begin, for the bytes of a program may look like an end. */
static bool has_ended(int journal) {
  uint64_t at = 0, from = 0, have = 0;
  for (;;) {
    if (at < from || at + HEAD > from + have) {
      long count = sys(pread64, journal, window, sizeof window, at);
      if (count < HEAD) return false;
      from = at;
      have = (uint64_t)count;
    }
    const uint8_t *head = window + (at - from);
    if (head[0] == 'z') return true;
    at += HEAD + (uint64_t)get_u32(head + 1);
  }
}

bool keeper_is_gone(int place, bool *ended) {
  long journal = sys(openat, place, "journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  bool gone = journal < 0 || sys(flock, journal, LOCK_SH | LOCK_NB) == 0;
  *ended = journal >= 0 && has_ended((int)journal);
  if (journal >= 0) sys(close, journal);
  return gone;
}

/* What a keeper writes: anything else in a journal is of somebody who may write there too. */
static bool is_frame(const uint8_t *head) {
  uint32_t length = get_u32(head + 1);
  switch (head[0]) {
    case 'o': case 'e': return length > 0 && length <= MOST_PAYLOAD;
    case 's': return length == 12;
    case 'g': return length == 9;
    case 'F': return length == 4;
    case 'k': return length == 6;
    case 'x': return length == 50;
    case 'l': case 'z': return length == 0;
    default: return false;
  }
}

/* Where the next frame begins; an end, or what is no frame, was found there: nothing behind it is written out. */
static uint64_t next;
static bool held;

/* The first frame that begins at `from` or behind it. False: it is not there yet. */
static bool find_next(int journal, uint64_t from) {
  uint8_t head[HEAD];
  while (next < from && !held) {
    if (sys(pread64, journal, head, HEAD, next) != HEAD) return false;
    if (head[0] == 'z' || !is_frame(head)) held = true;
    else next += HEAD + (uint64_t)get_u32(head + 1);
  }
  return true;
}

/* How many of these bytes, which are at `from`, are of frames that are none of that. */
static size_t passable(uint64_t from, size_t count) {
  while (!held && next < from + count) {
    const uint8_t *head = window + (next - from);
    if (next + HEAD > from + count) break;
    if (head[0] == 'z' || !is_frame(head)) held = true;
    else next += HEAD + (uint64_t)get_u32(head + 1);
  }
  return next < from + count ? (size_t)(next - from) : count;
}

/* 0: all there is was written out, as far as it may be; else what kept it from that. */
static long copy(int journal, uint64_t *from) {
  while (find_next(journal, *from) && !held) {
    long count = sys(pread64, journal, window, sizeof window, *from);
    if (count == -EINTR) continue;
    if (count <= 0) return count;
    size_t most = passable(*from, (size_t)count);
    if (most == 0) return 0;
    if (!write_all(1, window, most)) return -EPIPE;
    *from += most;
  }
  return 0;
}

/* Its keeper has let go of the journal: is what was held back the end, and the last there is. */
static bool copy_end(int journal, uint64_t from) {
  uint64_t skip = from > next ? from - next : 0;
  if (skip > HEAD) skip = HEAD;
  long count = sys(pread64, journal, window, HEAD + 1, next);
  if (count != HEAD || window[0] != 'z' || !is_frame(window)) return false;
  return write_all(1, window + skip, HEAD - (size_t)skip);
}

/* False: who reads us is gone. */
static bool changed(int place, int notify, int *closing) {
  struct pollfd polls[3] = {{1, 0, 0}, {listens ? 0 : -1, POLLIN, 0}, {notify, POLLIN, 0}};
  int64_t us = notify < 0 ? POLL_US : *closing > 0 ? CLOSING_US : -1;
  if (*closing > 0) --*closing;
  wait_for(polls, 3, us);
  if (polls[0].revents & (POLLERR | POLLHUP | POLLNVAL)) return false;
  if (polls[1].revents) hear(place);
  if (notify < 0) return true;
  _Alignas(8) uint8_t events[4096];
  long size = sys(read, notify, events, sizeof events);
  for (long at = 0; at + 16 <= size; at += 16 + get_u32(events + at + 12))
    /* The kernel tells of a close a moment before it lets go of the lock. */
    if (get_u32(events + at + 4) & IN_CLOSE_WRITE) *closing = CLOSING_LOOKS;
  return true;
}

int follow(int place, const char *path, uint64_t from, bool commanded) {
  listens = commanded;
  long journal = sys(openat, place, "journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (journal < 0) return complain(FAILED, "cannot read the journal", 0, journal);
  /* The watch takes a path; this process has no other use of its directory. */
  long notify = sys(fchdir, place) == 0 ? sys(inotify_init1, O_CLOEXEC | O_NONBLOCK) : -1;
  if (notify >= 0 && sys(inotify_add_watch, notify, "journal", IN_MODIFY | IN_CLOSE_WRITE) < 0) {
    sys(close, notify);
    notify = -1;
  }
  int closing = 0;
  for (;;) {
    long error = copy((int)journal, &from);
    /* What its keeper wrote before it let go of the lock is there now. */
    bool over = error == 0 && sys(flock, journal, LOCK_SH | LOCK_NB) == 0;
    if (over) error = copy((int)journal, &from);
    if (error) return error == -EPIPE ? FAILED : complain(FAILED, "the journal breaks off", 0, error);
    if (over && held)
      return copy_end((int)journal, from) ? part(place, path) : complain(FORGED, "this journal is not its keeper's alone", 0, 0);
    if (over) return complain(KEEPER_DIED, "the keeper of this journal died", 0, 0);
    if (!changed(place, (int)notify, &closing)) return FAILED;
  }
}
