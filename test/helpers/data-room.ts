import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunContext } from '../../src/contract/context.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { buildEngine, type TestEngine } from './build-engine.ts';
import { exited, scripted } from './fake-runner.ts';

export const KEY = 'the key of the server';

/** A project folder that holds the data directory of a server, as it does when nothing is configured, with another run's files. */
export class DataRoom implements AsyncDisposable {
  readonly home = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'runwire-room-')));
  readonly project = join(this.home, 'project');
  readonly data = join(this.project, '.runwire');
  readonly key = join(this.data, 'callback.key');
  readonly other = join(this.data, 'runs/other');
  readonly engine: TestEngine;
  readonly #mounts: string[] = [];
  /** What the run does. */
  work: (ctx: RunContext) => unknown = () => {};

  /** `before`: what there is besides before the server starts; may return another name of the data directory. */
  constructor(before: (room: DataRoom) => string | undefined) {
    fs.mkdirSync(join(this.data, 'runs'), { recursive: true });
    fs.writeFileSync(this.key, KEY);
    fs.writeFileSync(join(this.project, 'report.txt'), 'report');
    const run = async (ctx: RunContext) => {
      await this.work(ctx);
      return exited();
    };
    this.engine = buildEngine({ runners: [scripted(run)], dataDir: before(this) ?? this.data });
  }

  static async on(before: (room: DataRoom) => string | undefined = () => undefined): Promise<DataRoom> {
    const room = new DataRoom(before);
    room.work = ({ output, workingDirectory }) => {
      output.write('stdout', Buffer.from(KEY));
      fs.writeFileSync(join(workingDirectory, 'made'), KEY);
    };
    await room.engine.run({ runtime_kind: 'scripted', invocation_id: 'other' });
    room.work = () => {};
    return room;
  }

  run(fields: Record<string, unknown>): Promise<RunRecord> {
    return this.engine.run({ runtime_kind: 'scripted', working_directory: this.project, ...fields });
  }

  /** The end of a run that has only its refusal, and what it says. */
  async refusal(fields: Record<string, unknown>): Promise<string> {
    const { status, result } = await this.run(fields);
    return `${status}: ${result?.error_summary}`;
  }

  /** Another path of a directory, until the end. */
  mount(directory: string, point: string): void {
    fs.mkdirSync(point, { recursive: true });
    execFileSync('mount', ['--bind', directory, point]);
    this.#mounts.push(point);
  }

  /** The bytes of all artifacts but the captures. */
  async bytes({ result, invocation }: RunRecord): Promise<string[]> {
    const all = (result?.artifacts ?? []).filter(({ kind }) => kind === 'file');
    return Promise.all(
      all.map(async ({ artifact_id }) => {
        const path = `/invocations/${invocation.invocation_id}/artifacts/${artifact_id}`;
        return (await this.engine.get(path)).body;
      }),
    );
  }

  /** What the server has of its own, by name. */
  own(): Record<string, string> {
    return {
      key: fs.readFileSync(this.key, 'utf8'),
      other: fs.readFileSync(join(this.other, 'stdout'), 'utf8'),
      made: fs.readFileSync(join(this.other, 'work/made'), 'utf8'),
      names: fs.readdirSync(this.other).join(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const point of this.#mounts) execFileSync('umount', [point]);
    await this.engine[Symbol.asyncDispose]();
    fs.rmSync(this.home, { recursive: true, force: true });
  }
}
