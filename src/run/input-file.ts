import { closeSync, constants, existsSync, fstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { Rejected } from '../contract/outcome.ts';
import type { PrivateView } from '../disk/private-view.ts';
import { type BytePath, bytePath } from '../platform/byte-path.ts';
import { hidesItsLength, isOfProc } from '../platform/kernel-file.ts';

const HAS_PROC = existsSync('/proc/self/fd');

/** The file of `input_payload_path`, open from when it was judged to the end of the work: its name may be given to another. */
export interface InputFile {
  /** Opens this very file, in this process. Where there is no /proc: what has its name. */
  path: string;
  /** For other processes: its name, and what must be open under it. Numbers in decimal. */
  named: { path: string; dev: string; ino: string };
  close(): void;
}

/** Throws for a file that is not to be read, by what is open. */
export type Judge = (real: BytePath, isPrivate: boolean) => void;

/** Opens a file that may be read. Throws what `judge` throws, Rejected for no regular file with a length, and the error of the file system. */
export function openInput(path: string, judge: Judge, view: PrivateView): InputFile {
  // A pipe that has come there is not waited for.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let open = true;
  const close = (): void => {
    if (open) closeSync(file);
    open = false;
  };
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Rejected(`input_payload_path is not a regular file: ${path}`);
    if (isOfProc(file))
      throw new Rejected(`input_payload_path is a file of /proc, which has no content of its own: ${path}`);
    const real = placeOf(file, path);
    judge(real, view.holds(real) || view.holdsFile(stats, file));
    if (hidesItsLength(file))
      throw new Rejected(`input_payload_path has more bytes than its size says: ${path}`);
    const { dev, ino } = fstatSync(file, { bigint: true });
    if (!HAS_PROC) close();
    return {
      path: HAS_PROC ? `/proc/${process.pid}/fd/${file}` : path,
      named: { path, dev: String(dev), ino: String(ino) },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function placeOf(file: number, path: string): BytePath {
  return bytePath(
    HAS_PROC
      ? readlinkSync(`/proc/self/fd/${file}`, { encoding: 'buffer' })
      : realpathSync.native(path, { encoding: 'buffer' }),
  );
}
