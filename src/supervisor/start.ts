import type { TerminalSize } from '../documents/terminal.ts';
import { markOf } from './find/marks.ts';
import type { SpawnFailure, SpawnRequest, StdinSource } from './protocol/messages.ts';
import { resolveProgram } from './spawn/command.ts';
import { checkDescriptors } from './spawn/descriptors.ts';
import { failureOf } from './spawn/failure.ts';
import { withLimits } from './spawn/limits.ts';
import type { Spawner, StartedProgram } from './spawn/spawner.ts';
import { openStdin } from './spawn/stdin.ts';

export interface StartParts {
  spawner: Spawner;
  /** What tells this data directory from others of the same path. */
  place: string;
  /** How many other programs live, and how many descriptors setups have beside. */
  taken(): { programs: number; more: number };
}

/** One command of a run. */
export interface Startable {
  command: string[];
  stdin: StdinSource;
  terminal?: TerminalSize | undefined;
}

export class NotStarted extends Error {
  readonly failure: SpawnFailure;
  constructor(failure: SpawnFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Start a command of a run, in its place and under its limits and mark. Throws, or rejects with, NotStarted. */
export function startProgram(
  request: SpawnRequest,
  { command, stdin, terminal }: Startable,
  { spawner, place, taken }: StartParts,
): StartedProgram | Promise<StartedProgram> {
  const { environment, working_directory: workingDirectory, directory } = request;
  let path: string | null = null;
  const notStarted = (error: unknown): NotStarted => new NotStarted(failureOf(error, request, path));
  try {
    path = resolveProgram(command[0] ?? '', environment, workingDirectory);
    const { programs, more } = taken();
    checkDescriptors(programs, more);
    const { program, argv } = withLimits(path, command, request.limits);
    const input = openStdin(stdin, directory);
    const mark = markOf(place, directory);
    const spec = { program, argv, environment, workingDirectory, mark, stdin: input.source, terminal };
    try {
      const starting = spawner.spawn(spec);
      if (!(starting instanceof Promise)) return starting;
      return starting.catch((error) => {
        throw notStarted(error);
      });
    } finally {
      input.close();
    }
  } catch (error) {
    throw notStarted(error);
  }
}
