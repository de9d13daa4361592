import { isatty } from 'node:tty';

/**
 * Has somebody at a terminal started this process. SIGHUP is the end of that terminal then, and else means nothing here
 * (or, by custom, that files are to be read again). That `nohup` had it ignored cannot be seen, since Node takes it back;
 * but it takes the terminal away.
 */
export function isOnTerminal(): boolean {
  return [0, 1, 2].some((fd) => isatty(fd));
}

/** What is printed may find nobody: a terminal that is closed, a pipe whose reader has ended. The work goes on. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
