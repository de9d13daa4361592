import { existsSync } from 'node:fs';
import { CannotBegin } from '../contract/outcome.ts';
import type { WorkspaceOutcome } from '../documents/workspace.ts';
import { messageOf } from '../platform/error-words.ts';
import { removeTree } from '../platform/remove-tree.ts';
import type { WorkspaceRuns } from '../workspaces/run-turns.ts';
import type { LiveRun } from './live-run.ts';

/**
 * It has its turn in its workspace, and a place: what comes before it begins is done there. Done again it does the same.
 * What cannot be done is its refusal. Never rejects.
 */
export async function prepareWorkspace(run: LiveRun, workspaces: WorkspaceRuns | null): Promise<void> {
  try {
    await run.stored;
    if (run.signal.aborted || run.refusal) return;
    if (workspaces === null) throw new Error('this server has no workspaces');
    const { given } = run.directory;
    const files = existsSync(given) ? { from: given, into: run.paths.workingDirectory } : null;
    await workspaces.prepare(run, files);
    if (files !== null) await removeTree(given);
  } catch (error) {
    run.refuse(new CannotBegin(messageOf(error), { cause: error }));
  }
}

/** What its outcome tells of its workspace, and notes for people. Undefined: it has none. Never rejects. */
export async function concludeWorkspace(
  run: LiveRun,
  workspaces: WorkspaceRuns | null,
  began: boolean,
): Promise<{ outcome: WorkspaceOutcome; notes: string[] } | undefined> {
  if (run.workspace === null) return undefined;
  const { id } = run.workspace;
  const none = { id, snapshots: { before: null, after: null }, bytes: null };
  if (workspaces === null) return { outcome: none, notes: [] };
  try {
    return await workspaces.conclude(run, began);
  } catch (error) {
    return { outcome: none, notes: [messageOf(error)] };
  }
}
