import { isFinal } from '../documents/result.ts';
import { messageOf } from '../platform/error-words.ts';
import type { SessionRow } from './session-facts.ts';
import { snapshotAfter } from './setup-run.ts';
import type { SessionTools } from './tools.ts';

/**
 * Where the run that sets it up is over, the session is ready or has failed: as that ended, also under an earlier server. Nobody
 * begins in it before.
 */
export function settleSetup(tools: SessionTools, id: string): Promise<void> {
  const live = tools.live.get(id);
  live.settling ??= settle(tools, id).finally(() => {
    live.settling = null;
    tools.live.changed(live);
  });
  return live.settling;
}

async function settle(tools: SessionTools, id: string): Promise<void> {
  const { table, engine, store, kinds } = tools;
  const row = table.peek(id);
  if (row?.state !== 'preparing' || row.progress.resetting) return;
  if (!engine.has(row.setup) || !isFinal(engine.status(row.setup))) return;
  const { snapshot, reason } = outcomeOf(tools, row.setup);
  const isSame = (now: SessionRow): boolean => now.state === 'preparing' && now.setup === row.setup;
  if (snapshot === null) {
    // What it left is ended, and what was kept of it goes with the session.
    const unsettled = kinds.find(row.kept.kind)?.sessions !== undefined;
    const readySnapshots = [...new Set([...row.progress.readySnapshots, snapshotAfter(row.setup)])];
    table.change(id, { state: 'failed', reason, trouble: null, unsettled, readySnapshots }, isSame);
  } else {
    const choice = await choiceOf(tools, row, snapshot);
    const kept = [...new Set([...row.progress.readySnapshots, snapshot, choice])];
    table.change(
      id,
      {
        ...{ state: 'ready', reason: null, trouble: null, unsettled: false, lastCheckpoint: null },
        ...{ readySnapshot: snapshot, readyChoice: choice, readySnapshots: kept },
      },
      isSame,
    );
  }
  await store.committed();
}

function outcomeOf({ engine }: SessionTools, setup: string): { snapshot: string | null; reason: string } {
  try {
    const { status, result, outcome } = engine.record(setup);
    const snapshot = status === 'succeeded' ? (outcome?.workspace?.snapshots.after ?? null) : null;
    return { snapshot, reason: result?.error_summary ?? 'its setup did not succeed' };
  } catch (error) {
    return { snapshot: null, reason: messageOf(error) };
  }
}

/** What checkpoints are compared with, where not all is in them. Taken again it is the same. */
async function choiceOf(
  { spaces }: SessionTools,
  { workspace, setup, kept }: SessionRow,
  whole: string,
): Promise<string> {
  const choice = kept.defaults.snapshot;
  if (choice === undefined) return whole;
  const id = `${setup}.ready`;
  await spaces.snapshot(workspace, { ...choice, snapshot_id: id }, { whileRunning: true });
  return id;
}
