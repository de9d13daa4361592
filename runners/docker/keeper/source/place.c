/* The directory of a run: claimed by the first keeper, with all that others open there before they may see it. */
#include "place.h"

enum { ROOM = HEAD + MOST_PAYLOAD + 4096 };

static int make_fifo(int directory, const char *name, int flags) {
  uint32_t owner, mode;
  long error = sys(mknodat, directory, name, S_IFIFO | 0600, 0);
  if (error && error != -EEXIST) return (int)error;
  long fd = sys(openat, directory, name, flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0 && (owner_and_mode((int)fd, &owner, &mode) || (mode & S_IFMT) != S_IFIFO)) return -EEXIST;
  return (int)fd;
}

static int open_directory(const char *path, int *directory) {
  uint32_t owner, mode;
  long error = sys(mkdirat, AT_FDCWD, path, 0700);
  if (error && error != -EEXIST) return complain(FAILED, "cannot make", path, error);
  *directory = (int)sys(openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (*directory < 0) return complain(FAILED, "cannot open", path, *directory);
  error = owner_and_mode(*directory, &owner, &mode);
  /* Whoever else may write there could make us write elsewhere. */
  if (error || owner != (uint32_t)sys(geteuid) || (mode & 022)) return complain(FAILED, "not ours alone", path, error);
  return DONE;
}

/*
 * The journal gets its name when it is locked already: a journal without a lock is one whose keeper is gone. And with
 * link(2), which never takes the place of another.
 */
static int claim_journal(const char *path, struct place *place) {
  char name[40] = "journal.";
  put_number(name + 8, (uint64_t)sys(getpid));
  sys(unlinkat, place->directory, name, 0);
  place->journal = (int)sys(openat, place->directory, name,
                            O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  long error = place->journal < 0 ? place->journal : sys(flock, place->journal, LOCK_EX | LOCK_NB);
  if (error == 0) error = sys(linkat, place->directory, name, place->directory, "journal", 0);
  sys(unlinkat, place->directory, name, 0);
  if (error == -EEXIST) return complain(TAKEN, "there is a journal already in", path, 0);
  return error ? complain(FAILED, "cannot make a journal in", path, error) : DONE;
}

int claim_place(const struct options *options, struct place *place) {
  const char *path = options->place;
  int code = open_directory(path, &place->directory);
  if (code) return code;
  long earlier = sys(openat, place->directory, "journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (earlier != -ENOENT) return complain(TAKEN, "there is a journal already in", path, 0);
  place->control = make_fifo(place->directory, "control", O_RDWR);
  if (place->control < 0) return complain(FAILED, "cannot make the control in", path, place->control);
  place->input_end = -1;
  if (options->input) {
    place->input = make_fifo(place->directory, "stdin", O_RDONLY);
    /* Held until the end is told, so that a feeder that dies is no end of the input. */
    if (place->input >= 0) place->input_end = make_fifo(place->directory, "stdin", O_WRONLY);
    if (place->input_end >= 0 && !options->program.size) sys(fcntl, place->input, F_SETFL, 0);
  } else
    place->input = (int)sys(openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
  int error = place->input < 0 ? place->input : options->input && place->input_end < 0 ? place->input_end : 0;
  if (error) return complain(FAILED, "cannot make an input in", path, error);
  return claim_journal(path, place);
}

bool claim_late(const char *path, struct place *late) {
  static char name[4096];
  size_t length = length_of(path);
  if (length + sizeof LATE > sizeof name) return false;
  memcpy(name, path, length);
  memcpy(name + length, LATE, sizeof LATE);
  *late = (struct place){-1, -1, -1, -1, -1};
  if (open_directory(name, &late->directory) == DONE && claim_journal(name, late) == DONE) return true;
  if (late->journal >= 0) sys(close, late->journal);
  if (late->directory >= 0) sys(close, late->directory);
  late->journal = -1;
  return false;
}

void furnish_place(const struct options *options, const struct place *place) {
  char text[24], *at = put_number(text, options->program.mark);
  *at++ = '\n';
  if (options->program.mark) {
    long mark = sys(openat, place->directory, "mark", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (mark < 0 || !write_all((int)mark, text, (size_t)(at - text))) storage_failed = true;
    if (mark >= 0) sys(close, mark);
  }
  /* Given free before the last frames are written, which a full disk must not keep from a reader. */
  long room = sys(openat, place->directory, "room", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (room < 0) return;
  if (sys(fallocate, room, 0, 0, ROOM) < 0) {
    static const uint8_t nothing[4096];
    for (int i = 0; i < ROOM && write_some((int)room, nothing, sizeof nothing) > 0; i += (int)sizeof nothing) {}
  }
  sys(close, room);
}

void forget_place(int place, const char *path) {
  static const char *const names[] = {"journal", "control", "stdin", "mark", "room"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) sys(unlinkat, place, names[i], 0);
  sys(unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}
