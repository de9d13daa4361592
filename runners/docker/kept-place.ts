import { randomBytes } from 'node:crypto';
import type { RunContext } from '../../src/contract/context.ts';
import {
  changeContainerRecord,
  type KeptContainer,
  readContainerRecord,
  writeContainerRecord,
} from './container-record.ts';
import { environmentInside } from './create.ts';
import { LATE, RUNS_DIRECTORY } from './keeper/words.ts';
import { argvIn } from './kept-container.ts';
import type { KeptProgramPlan } from './kept-plan.ts';
import type { DockerSpec } from './spec.ts';
import { wantsInput } from './stdin.ts';
import { insideWorkingDirectory } from './workspace.ts';

type Context = RunContext<DockerSpec>;

/** Between this and its double: no number that the supervisor of programs on a machine marks its own with. */
const MARK_BIT = 1n << 50n;

/** Where the programs of a run are, in a container that stays for them. */
export class KeptPlace {
  readonly container: KeptContainer;
  readonly #directory: string;
  #begun: number;

  private constructor(container: KeptContainer, directory: string, begun: number) {
    this.container = container;
    this.#directory = directory;
    this.#begun = begun;
  }

  /** Stored before anything of the run is begun in it. */
  static claim(ctx: Context, container: KeptContainer): KeptPlace {
    const directory = `${RUNS_DIRECTORY}/${randomBytes(16).toString('hex')}`;
    const place = new KeptPlace(container, directory, -1);
    writeContainerRecord(ctx.directory, {
      container_id: container.id,
      stdin: wantsInput(ctx) ? 'open' : 'none',
      kept: { container, directory, begun: -1 },
    });
    return place;
  }

  /** Of an earlier server. Null: it had come to begin nothing. */
  static earlier(ctx: Context): KeptPlace | null {
    const kept = readContainerRecord(ctx.directory)?.kept;
    return kept === undefined ? null : new KeptPlace(kept.container, kept.directory, kept.begun);
  }

  mayHaveBegun(step: number): boolean {
    return step <= this.#begun;
  }

  /** Stored before it is. */
  begins({ directory }: Context, step: number): void {
    if (step <= this.#begun) return;
    this.#begun = step;
    const kept = { container: this.container, directory: this.#directory, begun: step };
    changeContainerRecord(directory, { kept });
  }

  directoryOf(step: number): string {
    return `${this.#directory}-${step}`;
  }

  /** Of all programs that may have been begun. */
  get directories(): string[] {
    return Array.from({ length: this.#begun + 1 }, (_, step) => this.directoryOf(step));
  }

  /** One command of the setup, by its place there. */
  setupPlan(ctx: Context, step: number, argv: readonly string[], timeLimitMs: number): KeptProgramPlan {
    const user = ctx.setup?.user ?? this.container.user;
    // Of a session's own setup nothing is kept that is written after it.
    const keepsLate = this.container.keepsLate && !ctx.session?.isSetup;
    return {
      ...this.#plan(ctx, step),
      argv,
      user,
      stays: true,
      keepsLate,
      hasInput: false,
      terminal: null,
      timeLimitMs,
    };
  }

  /** What a command of the setup left running, by what it writes: nothing is started. */
  latePlan(ctx: Context, step: number): KeptProgramPlan {
    return { ...this.setupPlan(ctx, step, [], 1), directory: `${this.directoryOf(step)}${LATE}` };
  }

  commandPlan(ctx: Context, step: number): KeptProgramPlan {
    const { timeout_seconds: seconds } = ctx.invocation;
    return {
      ...this.#plan(ctx, step),
      argv: argvIn(this.container, ctx),
      user: commandUser(this.container, ctx),
      stays: false,
      keepsLate: false,
      hasInput: wantsInput(ctx),
      terminal: ctx.invocation.options.terminal ?? null,
      timeLimitMs: seconds === null ? null : seconds * 1000,
    };
  }

  #plan(ctx: Context, step: number) {
    const {
      cpu_seconds: cpu,
      open_files: openFiles,
      file_size_bytes: fileSize,
    } = ctx.invocation.options.limits ?? {};
    return {
      container: this.container.id,
      directory: this.directoryOf(step),
      mark: this.#mark,
      environment: environmentInside(ctx),
      workingDirectory: insideWorkingDirectory(ctx),
      keptBytes: ctx.maxOutputBytes,
      graceMs: ctx.killGraceMs,
      limits: {
        ...(cpu !== undefined && { cpu }),
        ...(openFiles !== undefined && { openFiles }),
        ...(fileSize !== undefined && { fileSize }),
      },
    };
  }

  /** The same for all of the run: what its setup left is ended with the command. */
  get #mark(): string {
    const digits = this.#directory.slice(RUNS_DIRECTORY.length + 1, RUNS_DIRECTORY.length + 13);
    return String(MARK_BIT + (BigInt(`0x${digits}`) & (MARK_BIT - 1n)));
  }
}

/** Who runs the command: in a session each run may say it. */
export function commandUser({ user }: KeptContainer, { spec, session }: Context): string {
  return session === null || session.isSetup ? user : (spec.user ?? user);
}
