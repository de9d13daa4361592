/* What the parts of the keeper know of each other. */
#pragma once
#include "sys.h"

/* Exit codes: what the caller can act on. */
enum { DONE = 0, FAILED = 1, USAGE = 2, CLOSED = 3, TAKEN = 120, NO_JOURNAL = 121, KEEPER_DIED = 122, FORGED = 123 };

enum { HEAD = 5, MOST_PAYLOAD = 65536, ALL_SIGNALS = 64 };
#define EVERY_SIGNAL (~(uint64_t)0)
#define SIGNAL_BIT(signal) ((uint64_t)1 << ((signal)-1))

/* base.c */
void *memcpy(void *to, const void *from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *at, int value, size_t length);
int memcmp(const void *a, const void *b, size_t length);
size_t length_of(const char *text);
bool same(const char *a, const char *b);
/* Decimal digits and nothing else, up to 2^63-1. */
bool number_of(const char *text, uint64_t *number);
char *put_number(char *at, uint64_t number);
void put_u32(uint8_t *at, uint32_t value);
void put_u64(uint8_t *at, uint64_t value);
uint32_t get_u32(const uint8_t *at);
int64_t now_us(int clock);
void sleep_us(int64_t us);
long read_some(int fd, void *bytes, size_t length);
long write_some(int fd, const void *bytes, size_t length);
/* Waits where the other side is slow, also when the descriptor does not. */
bool write_all(int fd, const void *bytes, size_t length);
long wait_for(struct pollfd *polls, int count, int64_t us);
void block_signals(uint64_t which);
/* One line on stderr; error: a number of errno, or 0. */
int complain(int code, const char *what, const char *which, long error);
__attribute__((noreturn)) void leave(int code);
int open_place(const char *path, int *code);
long owner_and_mode(int fd, uint32_t *owner, uint32_t *mode);

/* journal.c: frames, whole and in order, also on a disk that is full for a while. */
struct stream {
  int fd;
  uint8_t number;
  char type;
  uint64_t room, dropped, told, lost;
};
extern bool storage_failed;
void journal_begin(int fd);
void journal_output(struct stream *stream, uint8_t *frame, size_t length);
void journal_put(char type, const uint8_t *payload, size_t length);
/* Is there something that the disk did not take yet; tries again. */
bool journal_behind(struct stream *streams);
bool journal_end(struct stream *streams, int place, const uint8_t *killed, const uint8_t *ended);

/* children.c */
extern int leader, leader_status, helper_pids[2];
/*
 * Every process of the program has one of our children among its ancestors, and nobody else is a child of ours: to have
 * none then proves that none is left. Not so under qemu's user mode, which knows no subreaper.
 */
extern bool leader_gone, all_are_ours;
/* Reaps what has ended. Is there a child left (helpers apart). */
bool reap(void);
int fork_plain(void);
/* A helper of ours, which is not waited for with the others; -EINVAL where the kernel does not tell them apart. */
int fork_helper(void);

/* find.c */
struct target { int family; uint64_t mark; };
/* SIGCONT to all that are named as we are. */
void wake_keepers(void);
/* SIGKILL, round after round, until none is left or 2 s are over. The number of survivors; killed: was there any. */
uint32_t kill_all(struct target target, bool *killed);

/* terminal.c */
extern int slave;
/* The master; the slave is open too, and nobody's controlling terminal. */
long open_terminal(uint64_t size);
void size_terminal(int master, uint64_t size);
/* In the program, which leads a session: all its descriptors, and its controlling terminal. */
long enter_terminal(void);
/* The program has ended: the terminal does when nobody has it any more. */
void let_go_of_terminal(void);
/* What is to be waited for before type_on passes on what is fed. */
struct pollfd typing_poll(int master, int input);
void type_on(int master, int input);
/* Behind what was fed comes the end. */
void end_typing(int master, int input);

/* program.c */
struct limit { int resource; uint64_t most; };
struct program {
  char **argv, **environment;
  uint64_t mark;
  struct limit limits[16];
  int limit_count, input;
  /* Of its terminal: columns times 65536, and rows; 0: it has none. */
  uint64_t size;
  bool end_with_keeper;
};
/* The error number of what kept it from starting, or 0: then the leader is known and out and err are read from. */
int start_program(const struct program *program, int *out, int *err);

/* The modes. */
int run(int count, char **words, char **environment);
/* commanded: lines for the keeper come on stdin; after the end `forget` is waited for, upon which the directory goes. */
int follow(int place, const char *path, uint64_t from, bool commanded);
/* Of an absolute path, with all that a keeper makes there. */
void forget_place(int place, const char *path);
bool keeper_is_gone(int place, bool *ended);
int tell(int count, char **words);
int send_line(int place, const char *line);
int feed(const char *path);
int init(void);
int kill_left(const char *path);
