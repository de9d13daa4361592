/** Signals of Linux by number, on every architecture that there is a keeper for: what runs the server may count otherwise. */
const NAMES = [
  ...['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL'],
  ...['SIGUSR1', 'SIGSEGV', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGSTKFLT', 'SIGCHLD', 'SIGCONT'],
  ...['SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGXCPU', 'SIGXFSZ', 'SIGVTALRM', 'SIGPROF'],
  ...['SIGWINCH', 'SIGIO', 'SIGPWR', 'SIGSYS'],
];
const OTHERS: Readonly<Record<string, number>> = { SIGIOT: 6, SIGPOLL: 29, SIGUNUSED: 31 };

/** Real-time signals have no name but their number: SIG34. */
export function signalName(number: number): string {
  return NAMES[number - 1] ?? `SIG${number}`;
}

/** Null: there is no such signal. */
export function signalNumber(name: string): number | null {
  const at = NAMES.indexOf(name);
  if (at >= 0) return at + 1;
  const number = OTHERS[name] ?? Number(/^SIG(\d{1,2})$/.exec(name)?.[1]);
  return number >= 1 && number <= 64 ? number : null;
}
