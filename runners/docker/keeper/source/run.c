/* `run`: one program, from its start to the end of its journal. */
#include "place.h"

enum { DRAIN_US = 180000, GROUP_US = 20000, BEHIND_US = 250000, LAST_BYTES = 16 << 20 };

static struct options options;
static struct place place, late = {-1, -1, -1, -1, -1};
static struct stream streams[2] = {{-1, 1, 'o', 0, 0, 0, 0}, {-1, 2, 'e', 0, 0, 0, 0}};
static int signals;
/* In µs of the monotonic clock; 0: not yet, or never. */
static int64_t started, ended, limit_at, kill_at, drained_at;
static bool stopping, sent_term, sent_kill, timed_out, all_killed, keeping, unclaimed;
static uint32_t survivors;
static uint8_t frame[HEAD + MOST_PAYLOAD];

static int64_t mono(void) { return now_us(CLOCK_MONOTONIC); }

static bool signal_group(int signal) { return sys(kill, -leader, signal) == 0; }

static void stop(uint64_t grace_ms) {
  int64_t at = mono() + (int64_t)grace_ms * 1000;
  if (!stopping && grace_ms > 0 && signal_group(SIGTERM)) {
    sent_term = true;
    /* Shells at a terminal pass over SIGTERM. */
    if (options.program.size) signal_group(SIGHUP);
    signal_group(18); /* SIGCONT: one that is stopped would not see the SIGTERM. */
  }
  if (!stopping || at < kill_at) kill_at = at;
  stopping = true;
}

static void close_input(void) {
  if (place.input_end < 0) return;
  sys(unlinkat, place.directory, "stdin", 0);
  sys(close, place.input_end);
  place.input_end = -1;
}

/* Who feeds learns that nobody takes it. */
static void close_program_input(void) {
  if (place.input >= 0) sys(close, place.input);
  place.input = -1;
}

static void obey(char *line) {
  uint64_t number;
  if (same(line, "eof") && options.program.size) end_typing(streams[0].fd, place.input);
  else if (same(line, "eof")) close_input();
  else if (memcmp(line, "size ", 5) == 0 && number_of(line + 5, &number) && options.program.size && streams[0].fd >= 0)
    size_terminal(streams[0].fd, number);
  else if (memcmp(line, "stop ", 5) == 0 && number_of(line + 5, &number) && number <= MOST_MS) stop(number);
  else if (memcmp(line, "signal ", 7) == 0 && number_of(line + 7, &number) && number >= 1 && number <= ALL_SIGNALS)
    signal_group((int)number);
}

static void listen(void) {
  static char line[64];
  static size_t length;
  char bytes[512];
  long count = read_some(place.control, bytes, sizeof bytes);
  for (long i = 0; i < count; i++) {
    if (bytes[i] == '\n') {
      line[length] = 0;
      if (length < sizeof line - 1) obey(line);
      length = 0;
    } else if (length < sizeof line - 1)
      line[length++] = bytes[i];
  }
}

/* False: there is nothing to be had now. */
static bool take(struct stream *stream) {
  if (stream->fd < 0) return false;
  long count = read_some(stream->fd, frame + HEAD, MOST_PAYLOAD);
  if (count == -EAGAIN) return false;
  if (count > 0) {
    if (keeping) journal_output(stream, frame, (size_t)count);
    return true;
  }
  sys(close, stream->fd);
  stream->fd = -1;
  return false;
}

static void wait(int64_t us) {
  bool typing = options.program.size && streams[0].fd >= 0 && place.input >= 0;
  struct pollfd polls[5] = {{signals, POLLIN, 0}, {place.control, POLLIN, 0}};
  polls[4] = typing ? typing_poll(streams[0].fd, place.input) : (struct pollfd){-1, 0, 0};
  uint8_t facts[128];
  for (int i = 0; i < 2; i++) polls[2 + i] = (struct pollfd){streams[i].fd, POLLIN, 0};
  if (wait_for(polls, 5, us) <= 0) return;
  if (polls[0].revents) sys(read, signals, facts, sizeof facts);
  if (polls[1].revents) listen();
  if (polls[4].revents) type_on(streams[0].fd, place.input);
  for (int i = 0; i < 2; i++)
    if (polls[2 + i].revents) take(&streams[i]);
}

static bool streams_open(void) { return streams[0].fd >= 0 || streams[1].fd >= 0; }

static void kill_now(void) {
  struct target target = {(int)sys(getpid), options.program.mark};
  survivors = kill_all(target, &sent_kill);
  all_killed = true;
}

static int64_t sooner(int64_t a, int64_t b) { return a < 0 || b < a ? b : a; }

/* Until the program has ended and its output has, or the wait for that. */
static void watch(void) {
  for (;;) {
    int64_t pause = -1;
    reap();
    int64_t now = mono();
    if (leader_gone) let_go_of_terminal();
    if (leader_gone && !ended) ended = now;
    if (!ended && limit_at && now >= limit_at) {
      limit_at = 0;
      timed_out = !stopping;
      stop(options.grace_ms);
    }
    if (stopping && now >= kill_at) {
      kill_now();
      if (leader_gone && !ended) ended = mono();
      return;
    }
    if (ended) {
      bool group = stopping && signal_group(0);
      if (!group && !drained_at) drained_at = now + DRAIN_US;
      if (drained_at && ((streams[0].fd < 0 && streams[1].fd < 0) || now >= drained_at)) return;
      pause = drained_at ? drained_at - now : GROUP_US;
    } else if (limit_at)
      pause = limit_at - now;
    if (stopping) pause = sooner(pause, kill_at - now);
    if (journal_behind(streams)) pause = sooner(pause, BEHIND_US);
    wait(pause);
  }
}

static bool finish(void) {
  uint8_t killed[6], told[50];
  struct rusage usage = {0};
  if (!all_killed && (stopping || !options.stay)) kill_now();
  let_go_of_terminal();
  for (int i = 0; i < 2; i++)
    for (int64_t most = LAST_BYTES; most > 0 && take(&streams[i]); most -= MOST_PAYLOAD) {}
  reap();
  int64_t now = mono();
  if (!ended) ended = now;
  int code = leader_gone && (leader_status & 127) == 0 ? leader_status >> 8 & 255 : -1;
  int signal = leader_gone ? leader_status & 127 : 0;
  killed[0] = sent_term;
  killed[1] = sent_kill;
  put_u32(killed + 2, survivors);
  sys(getrusage, RUSAGE_CHILDREN, &usage);
  put_u32(told, (uint32_t)code);
  put_u32(told + 4, (uint32_t)signal);
  put_u64(told + 8, (uint64_t)(ended - started));
  put_u64(told + 16, (uint64_t)(now - ended));
  put_u64(told + 24, (uint64_t)(usage.user_s * 1000000 + usage.user_us));
  put_u64(told + 32, (uint64_t)(usage.system_s * 1000000 + usage.system_us));
  put_u64(told + 40, (uint64_t)usage.max_rss_kib);
  told[48] = timed_out;
  told[49] = storage_failed;
  close_program_input();
  sys(close, place.control);
  place.control = -1;
  /* That more will be written is told also where there is no room for it now. */
  if (options.keep && streams_open()) {
    unclaimed = !claim_late(options.place, &late);
    journal_put('l', 0, 0);
  }
  bool has_killed = sent_term || sent_kill || survivors > 0;
  return journal_end(streams, place.directory, has_killed ? killed : 0, told);
}

/* Dies with the keeper, whatever ends that, and so tells the first process of the container. */
static int start_sentinel(int keeper) {
  int pid = fork_helper();
  if (pid != 0) return pid;
  for (int fd = 0; fd < 32; fd++) sys(close, fd);
  sys(prctl, PR_SET_PDEATHSIG, SIGKILL);
  while ((int)sys(getppid) == keeper) wait_for(0, 0, -1);
  leave(DONE);
}

static int start_follower(void) {
  int pid = fork_helper();
  if (pid == -EINVAL) pid = fork_plain();
  if (pid != 0) return pid;
  for (int fd = 3; fd < 32; fd++)
    if (fd != place.directory) sys(close, fd);
  leave(follow(place.directory, options.place, 0, options.commanded));
}

/* Until there is room for its journal what is written is counted, and then told there as lost. */
static void begin_late(void) {
  uint8_t told[12];
  put_u32(told, (uint32_t)leader);
  put_u64(told + 4, (uint64_t)(now_us(CLOCK_REALTIME) / 1000));
  furnish_place(&options, &late);
  journal_begin(late.journal);
  journal_put('s', told, 12);
}

static void claim_again(void) {
  if (!unclaimed || !claim_late(options.place, &late)) return;
  unclaimed = false;
  begin_late();
}

static void end_late(void) {
  if (late.journal < 0 && !unclaimed) return;
  for (int i = 0; i < 2; i++)
    for (int64_t most = LAST_BYTES; most > 0 && take(&streams[i]); most -= MOST_PAYLOAD) {}
  claim_again();
  unclaimed = keeping = false;
  if (late.journal < 0) return;
  journal_end(streams, late.directory, 0, 0);
  sys(flock, late.journal, LOCK_UN);
  sys(close, late.journal);
  late.journal = -1;
}

/* Until no process is left that the program started; what they print goes nowhere, but with -k: until they have let go of our pipes. */
static void stay(void) {
  keeping = late.journal >= 0 || unclaimed;
  if (unclaimed) journal_begin(-1);
  else if (keeping) begin_late();
  while (reap() || (!all_are_ours && streams_open())) {
    claim_again();
    if (keeping && !streams_open()) end_late();
    wait(unclaimed || (keeping && journal_behind(streams)) ? BEHIND_US : -1);
    for (int i = 0; i < 2; i++) take(&streams[i]);
  }
  end_late();
}

static int begin_program(char **environment, bool watched) {
  uint8_t told[12];
  int64_t wall = now_us(CLOCK_REALTIME);
  uint64_t child = SIGNAL_BIT(SIGCHLD);
  started = mono();
  signals = (int)sys(signalfd4, -1, &child, 8, O_NONBLOCK | O_CLOEXEC);
  if (sys(prctl, PR_SET_CHILD_SUBREAPER, 1)) all_are_ours = false;
  options.program.environment = environment;
  options.program.input = place.input;
  options.program.end_with_keeper = !watched;
  int failure = signals < 0 ? -signals : start_program(&options.program, &streams[0].fd, &streams[1].fd);
  if (failure || !options.program.size) close_program_input();
  if (failure) {
    put_u32(told, (uint32_t)failure);
    journal_put('F', told, 4);
    return failure;
  }
  if (options.time_limit_ms) limit_at = started + (int64_t)options.time_limit_ms * 1000;
  put_u32(told, (uint32_t)leader);
  put_u64(told + 4, (uint64_t)(wall / 1000));
  journal_put('s', told, 12);
  return 0;
}

int run(int count, char **words, char **environment) {
  if (!read_options(count, words, &options)) return USAGE;
  /* Nothing that a program sends to all of its user's processes ends the keeper, but SIGKILL. */
  block_signals(EVERY_SIGNAL);
  int code = claim_place(&options, &place);
  if (code) return code;
  int sentinel = start_sentinel((int)sys(getpid));
  int follower = options.follow ? start_follower() : 0;
  if (follower < 0) complain(FAILED, "cannot fork who follows", 0, follower);
  helper_pids[0] = sentinel;
  helper_pids[1] = follower;
  all_are_ours = sentinel != -EINVAL;
  /* From here on nobody who waits for the end of our output waits for us. */
  int nowhere = (int)sys(openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd <= 2; fd++) sys(dup3, nowhere, fd, 0);
  sys(close, nowhere);
  furnish_place(&options, &place);
  journal_begin(place.journal);
  streams[0].room = streams[1].room = options.kept;
  keeping = true;
  bool whole;
  if (begin_program(environment, sentinel > 0) == 0) {
    watch();
    whole = finish();
  } else
    whole = journal_end(streams, place.directory, 0, 0);
  close_input();
  sys(flock, place.journal, LOCK_UN);
  sys(close, place.journal);
  if (options.stay) stay();
  if (follower > 0) sys(wait4, follower, 0, WALL, 0);
  if (sentinel > 0 && sys(kill, sentinel, SIGKILL) == 0) sys(wait4, sentinel, 0, WALL, 0);
  return whole ? DONE : FAILED;
}
