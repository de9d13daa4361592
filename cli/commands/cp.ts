import type { Command } from 'commander';
import { copiedIn } from '../files/copied-in.ts';
import { copiedOut } from '../files/copied-out.ts';
import { remoteOf } from '../files/place.ts';
import { EXIT } from '../process/exit-codes.ts';
import { Failure } from '../process/failure.ts';
import { type ServerFlags, withServer } from '../process/server.ts';

const EXAMPLES = `Examples:
  runwire cp $id:report.txt .
  runwire cp $id:build out
  runwire cp ws/$ws:src/. src
  runwire cp notes.txt ws/$ws:docs/
  runwire cp $id: - | tar t
`;

export function addCopy(program: Command): void {
  withServer(program.command('cp <source> <destination>'))
    .summary('copy files from runs, and from and into workspaces')
    .description(
      `Copies a file or a directory: from a run (ID:PATH), a workspace (ws/ID:PATH) or a snapshot (snap/ID:PATH) to here, or
from here into a workspace. ID: is all of it, ID:DIRECTORY/. what is in that. A directory that is there takes it under
its name. To - goes a tar, which has the names that it has there; from - one comes. Files are compared with their hashes;
links are copied as links, and not made where they lead out.`,
    )
    .addHelpText('before', EXAMPLES)
    .action((source: string, destination: string, flags: ServerFlags) => {
      const [from, to] = [remoteOf(source), remoteOf(destination)];
      if (from !== null && to === null) return copiedOut(from, destination, flags);
      if (from === null && to?.kind === 'workspace') return copiedIn(source, to, flags);
      throw new Failure(why(from !== null, to !== null), EXIT.usage);
    });
}

function why(from: boolean, to: boolean): string {
  if (from && to) return 'both are on the server: one of them is to be here';
  if (!from && !to) return 'both are here: one of them is ID:PATH, ws/ID:PATH or snap/ID:PATH';
  return 'files go into workspaces alone (ws/ID:PATH); into a run when it starts: runwire run --upload';
}
