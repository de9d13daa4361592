import { readdirSync, readFileSync } from 'node:fs';

let users = 0;

/** A user id that nobody else has: whatever a program does to hide, its processes keep it. */
export function strangeUser(): number {
  return 1_000_000 + process.pid * 100 + users++;
}

/** A command under a user id; of root only. */
export function asUser(user: number, ...command: string[]): string[] {
  return ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--', ...command];
}

/** Processes of a user that are no zombies, looked up in /proc. */
export function processesOfUser(user: number): number[] {
  return readdirSync('/proc')
    .filter((name) => {
      if (!/^\d+$/.test(name)) return false;
      try {
        const status = readFileSync(`/proc/${name}/status`, 'latin1');
        return new RegExp(`^Uid:\t${user}\t`, 'm').test(status) && !/^State:\tZ/m.test(status);
      } catch {
        return false; // gone
      }
    })
    .map(Number);
}
