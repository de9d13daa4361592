import koffi from 'koffi';

/** What a program finds when it begins, as posix_spawn(3) is told of it: its descriptors and its directory. One program at a time. */
const libc = koffi.load(null);
const init = libc.func('int posix_spawn_file_actions_init(void *actions)');
const destroy = libc.func('int posix_spawn_file_actions_destroy(void *actions)');
const addDup2 = libc.func('int posix_spawn_file_actions_adddup2(void *actions, int from, int to)');
const addOpen = libc.func(
  'int posix_spawn_file_actions_addopen(void *actions, int fd, str path, int flags, unsigned int mode)',
);
const addChdir = libc.func('int posix_spawn_file_actions_addchdir_np(void *actions, str path)');

/** An opaque C structure, well under 512 bytes in glibc and musl. */
export const actions = Buffer.alloc(512);

export const begin = (): void => void init(actions);
export const end = (): void => void destroy(actions);
/** Its descriptor `to` is what `from` is by then. */
export const dup2 = (from: number, to: number): void => void addDup2(actions, from, to);
export const open = (fd: number, path: string, flags: number): void =>
  void addOpen(actions, fd, path, flags, 0);
export const chdir = (path: string): void => void addChdir(actions, path);
