import { closeSync, constants, openSync } from 'node:fs';
import koffi from 'koffi';
import type { TerminalSize } from '../../documents/terminal.ts';
import * as posix from './posix.ts';

/** Pseudo-terminals: pty(7), ioctl_tty(2). The numbers are those of all processors that koffi is built for. */
const libc = koffi.load(null);
const openpt = libc.func('int posix_openpt(int flags)');
const unlockpt = libc.func('int unlockpt(int fd)');
const ptsname = libc.func('int ptsname_r(int fd, void *name, size_t size)');
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
const getAttributes = libc.func('int tcgetattr(int fd, void *attributes)');
const setAttributes = libc.func('int tcsetattr(int fd, int when, void *attributes)');

const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const TIOCSWINSZ = 0x5414;
const TCSANOW = 0;
/** struct termios: four flags of 4 bytes (c_iflag, c_oflag, c_cflag, c_lflag), a byte, then c_cc. In c_iflag: an erased character is all of its bytes. */
const IUTF8 = 0o40000;
/** The lowest byte of c_lflag, on a machine that is little-endian, as all are that koffi is built for. */
const LOCAL_FLAGS = 12;
const ICANON = 0o2;
const CONTROL_CHARACTERS = 17;
const VEOF = 4;
const LINE_ENDS: ReadonlySet<number> = new Set([10, 13]);

export interface Pty {
  /** Ours: what is written here the program reads, and the other way round. Non-blocking. */
  master: number;
  /** Held so that the terminal does not end while nobody else has it open. */
  slave: number;
  /** Where the program opens it. */
  path: string;
}

const name = Buffer.alloc(64);
const attributes = Buffer.from(new ArrayBuffer(256));

/** A terminal that is nobody's controlling one yet, not ours either. Throws SystemError, or an error of fs. */
export function openPty(size: TerminalSize): Pty {
  const master: number = openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0) throw new posix.SystemError('posix_openpt', posix.errno());
  try {
    if (unlockpt(master) !== 0) throw new posix.SystemError('unlockpt', posix.errno());
    if (ptsname(master, name, name.length) !== 0) throw new posix.SystemError('ptsname_r', posix.errno());
    const path = name.toString('latin1', 0, name.indexOf(0));
    const slave = openSync(path, constants.O_RDWR | O_NOCTTY);
    try {
      readAsUtf8(slave);
      resizePty(master, size);
      return { master, slave, path };
    } catch (error) {
      closeSync(slave);
      throw error;
    }
  } catch (error) {
    posix.close(master);
    throw error;
  }
}

/** The foreground group gets SIGWINCH, where that is another size. Throws SystemError. */
export function resizePty(master: number, { cols, rows }: TerminalSize): void {
  if (ioctl(master, TIOCSWINSZ, new Uint16Array([rows, cols, 0, 0])) !== 0)
    throw new posix.SystemError('TIOCSWINSZ', posix.errno());
}

/**
 * What says, typed into a terminal, that no more comes: twice after a line that was begun (the first hands that over). A program
 * that reads character by character makes of it what it will.
 */
export function endOfInput(master: number, lastByte: number | null): Buffer {
  readAttributes(master);
  const character = attributes[CONTROL_CHARACTERS + VEOF] ?? 0;
  const isByLine = (attributes.readUInt8(LOCAL_FLAGS) & ICANON) !== 0;
  const isBegun = lastByte !== null && !LINE_ENDS.has(lastByte) && lastByte !== character;
  return Buffer.alloc(isByLine && isBegun ? 2 : 1, character);
}

function readAsUtf8(slave: number): void {
  readAttributes(slave);
  const { buffer, byteOffset } = attributes;
  const inputFlags = new Uint32Array(buffer, byteOffset, 1);
  inputFlags[0] = (inputFlags[0] ?? 0) | IUTF8;
  if (setAttributes(slave, TCSANOW, attributes) !== 0)
    throw new posix.SystemError('tcsetattr', posix.errno());
}

function readAttributes(fd: number): void {
  if (getAttributes(fd, attributes) !== 0) throw new posix.SystemError('tcgetattr', posix.errno());
}
