import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type JournalFrame, JournalReader } from '../../runners/docker/keeper/frames.ts';
import { OWN } from './own-id.ts';

const BUILT = resolve(import.meta.dirname, '../../runners/docker/keeper');
const NOBODY = 23_456;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  ended: Promise<Ended>;
}

/** What a journal tells, frames of output put together. */
export interface Told {
  frames: JournalFrame[];
  stdout: Buffer;
  stderr: Buffer;
  /** Types in order, outputs left out. */
  types: string[];
  exited?: Extract<JournalFrame, { type: 'exited' }>;
  killed?: Extract<JournalFrame, { type: 'killed' }>;
  gaps: Extract<JournalFrame, { type: 'gap' }>[];
}

export function toldBy(journal: Buffer): Told {
  const frames = new JournalReader().push(journal);
  const bytes = (stream: string): Buffer =>
    Buffer.concat(
      frames.flatMap((frame) => (frame.type === 'output' && frame.stream === stream ? [frame.bytes] : [])),
    );
  const exited = frames.find((frame) => frame.type === 'exited');
  const killed = frames.find((frame) => frame.type === 'killed');
  return {
    frames,
    stdout: bytes('stdout'),
    stderr: bytes('stderr'),
    types: frames.filter(({ type }) => type !== 'output').map(({ type }) => type),
    ...(exited && { exited }),
    ...(killed && { killed }),
    gaps: frames.filter((frame) => frame.type === 'gap'),
  };
}

/** The users that a keeper is tried as: who runs the tests and, where that is root, one who is nobody. */
export const USERS: readonly (readonly [string, number | undefined])[] =
  process.getuid?.() === 0
    ? [
        ['root', undefined],
        ['another user', NOBODY],
      ]
    : [['the user of the tests', undefined]];

/** A place for runs of one user, with the keeper in it. */
export class KeeperRoom implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'runwire-keeper-'));
  readonly binary = join(this.path, 'keeper');
  readonly #uid: number | undefined;
  readonly #before: string[];
  readonly #started: ChildProcess[] = [];
  #runs = 0;

  /** `before`: what is put before the keeper's words, as an emulator. */
  constructor(uid?: number, name = process.arch === 'arm64' ? 'arm64' : 'x64', before: string[] = []) {
    this.#uid = uid;
    this.#before = before;
    copyFileSync(join(BUILT, `keeper-${name}`), this.binary);
    chmodSync(this.binary, 0o755);
    chmodSync(this.path, 0o755);
    if (uid !== undefined) chownSync(this.path, uid, uid);
  }

  /** Where a run may be that was not yet. */
  place(): string {
    return join(this.path, `run-${OWN}-${this.#runs++}`);
  }

  start(
    words: string[],
    options: { input?: 'open' | Buffer; env?: Record<string, string>; cwd?: string } = {},
  ): Started {
    const [program = '', ...rest] = [...this.#before, this.binary, ...words];
    const child = spawn(program, rest, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      cwd: options.cwd ?? this.path,
      env: { PATH: process.env.PATH ?? '', ...options.env },
      ...(this.#uid !== undefined && { uid: this.#uid, gid: this.#uid }),
    });
    this.#started.push(child);
    const stdout: Buffer[] = [];
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => void stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    child.stdin?.on('error', () => {}); // it may end before it has read all
    if (Buffer.isBuffer(options.input)) child.stdin?.end(options.input);
    const ended = new Promise<Ended>((done, failed) => {
      child.on('error', failed);
      child.on('close', (code, signal) => done({ code, signal, stdout: Buffer.concat(stdout), stderr }));
    });
    return { child, ended };
  }

  call(words: string[], options: Parameters<KeeperRoom['start']>[1] = {}): Promise<Ended> {
    return this.start(words, options).ended;
  }

  /** What the journal of a followed run told. */
  async run(
    options: string[],
    command: string[],
    more: Parameters<KeeperRoom['start']>[1] = {},
  ): Promise<Told> {
    const { code, stdout, stderr } = await this.call(
      ['run', '-f', ...options, this.place(), '--', ...command],
      more,
    );
    if (code !== 0) throw new Error(`the keeper ended with ${code}: ${stderr}`);
    return toldBy(stdout);
  }

  [Symbol.dispose](): void {
    for (const child of this.#started)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    for (const pid of this.#left()) killIfThere(pid);
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Keepers and their helpers that a failed test left. */
  #left(): number[] {
    return readdirSync('/proc').flatMap((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return /^\d+$/.test(name) && words.includes(this.binary) ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
  }
}

/** A helper ends with its keeper, at any moment. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
