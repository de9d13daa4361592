import fs, { readlinkSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { fsync, fsyncSync } = fs;

/** By which paths files and directories were when they were synced, from now on until `forgetSyncs`. */
export function noteSyncs(): string[] {
  const paths: string[] = [];
  const note = (fd: number): void => {
    paths.push(readlinkSync(`/proc/self/fd/${fd}`));
  };
  Object.assign(fs, {
    fsync: (fd: number, done: (error: Error | null) => void) => {
      note(fd);
      fsync(fd, done);
    },
    fsyncSync: (fd: number) => {
      note(fd);
      fsyncSync(fd);
    },
  });
  syncBuiltinESMExports();
  return paths;
}

export function forgetSyncs(): void {
  Object.assign(fs, { fsync, fsyncSync });
  syncBuiltinESMExports();
}
