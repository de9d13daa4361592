import fs from 'node:fs';
import promises from 'node:fs/promises';
import Docker from 'dockerode';
import { PreparedTrees } from '../../../src/assets/prepared-trees.ts';
import { Contents } from '../../../src/contents/contents.ts';
import { RunEngine } from '../../../src/engine/run-engine.ts';
import { StagedFiles } from '../../../src/files/staging.ts';
import { EventLog } from '../../../src/log/event-log.ts';
import { RunScene } from '../../../src/run/scene.ts';
import { Hands } from '../../../src/snapshots/hands.ts';
import { AssetRows } from '../../../src/store/assets.ts';
import { GroupCommit } from '../../../src/store/group-commit.ts';
import { InvocationStore } from '../../../src/store/invocation-store.ts';
import { RedoLog } from '../../../src/store/redo-log.ts';
import { type SessionFacts, SessionRows } from '../../../src/store/sessions.ts';
import { SnapshotRows } from '../../../src/store/snapshots.ts';
import { SpecRows } from '../../../src/store/specs.ts';
import { WorkspaceRows } from '../../../src/store/workspaces.ts';
import { SupervisorClient } from '../../../src/supervisor/client/client.ts';
import type { ProgramListener } from '../../../src/supervisor/client/listener.ts';
import { RunTurns } from '../../../src/workspaces/run-turns.ts';
import { Spaces } from '../../../src/workspaces/spaces.ts';
import { at, isOrdered, pointsOf } from './order.ts';

const HALF_A_TURN = 'half a turn in the redo log';
const UNFINISHED_RESULT = '.runwire-';
/** Of a file that is copied block by block. */
const BLOCK_BYTES = 64 * 1024;

/** Which writes the turn has that is not over: one may come with others, that a session was used, say. */
let written = new Set<string>();

/** The points of the server, in the order in which a run comes by. */
export async function installPoints(): Promise<void> {
  storePoints();
  workspacePoints();
  sessionPoints();
  specPoints();
  assetPoints();
  supervisorPoints();
  await filePoints();
  containerPoints();
  pointsOf(EventLog.prototype, 'grew', { before: 'journal grew, not told' });
  pointsOf(RunScene.prototype, 'over', { before: 'facts received' });
  pointsOf(EventLog.prototype, 'finish', {
    before: 'finished not told',
    after: 'finished told',
  });
  pointsOf(RunEngine.prototype, 'drain', { after: 'draining' });
  pointsOf(RunEngine.prototype, 'cancel', { before: 'cancel received' });
}

function storePoints(): void {
  const store = InvocationStore.prototype;
  pointsOf(store, 'insert', { before: 'body parsed', after: 'inserted' });
  pointsOf(store, 'markRunning', { before: 'place free', after: 'running stored' });
  pointsOf(store, 'finish', { before: 'result made', after: 'result stored' });
  pointsOf(store, 'delivery', { before: 'delivery due' });
  pointsOf(store, 'setDelivery', { before: 'delivery answered', after: 'delivery stored' });
  pointsOf(store, 'remove', { before: 'files moved', after: 'removal stored' });
  pointsOf(store, 'unfinished', { before: 'recovery begins', after: 'recovery has read' });
  const writes = {
    insert: 'insert',
    markRunning: 'running',
    finish: 'result',
    setAbort: 'abort',
    setDelivery: 'delivery',
    remove: 'removal',
  } as const;
  for (const [method, what] of Object.entries(writes))
    pointsOf(store, method, {
      when() {
        written.add(what);
        return false;
      },
    });
  const { flush } = GroupCommit.prototype;
  GroupCommit.prototype.flush = function (this: GroupCommit<unknown>): void {
    const all = written;
    written = new Set();
    flush.call(this);
    for (const what of all) at(`${what} committed`);
  };
  pointsOf(GroupCommit.prototype, 'carry', { before: 'not carried into the database' });
  pointsOf(RedoLog.prototype, 'clear', {
    before: 'carried into the database',
    after: 'redo log cleared',
  });
  cutTurns();
}

/** Points around a write, and one when its turn is over. */
function around(
  owner: object,
  method: string,
  what: string,
  when: (args: readonly unknown[]) => boolean,
): void {
  pointsOf(owner, method, {
    before: `${what} not written`,
    after: `${what} written`,
    when(args) {
      const counts = when(args);
      if (counts) written.add(what);
      return counts;
    },
  });
}

function sessionPoints(): void {
  const { prototype } = SessionRows;
  const has =
    (state: string, wanted: object) =>
    ([, facts]: readonly unknown[]): boolean => {
      const given = facts as SessionFacts;
      const all = { ...(JSON.parse(given.facts) as object), ...given };
      return (
        given.state === state &&
        Object.entries(wanted).every(([name, value]) => all[name as keyof typeof all] === value)
      );
    };
  around(prototype, 'insert', 'session', () => true);
  around(prototype, 'change', 'session ready', has('ready', { unsettled: false, lastCheckpoint: null }));
  around(prototype, 'change', 'session reset', has('preparing', { resetting: true, trouble: null }));
  around(prototype, 'change', 'session put back', has('preparing', { resetting: false, generation: 2 }));
  around(prototype, 'change', 'session closed', has('closed', { unsettled: true, trouble: null }));
  around(prototype, 'change', 'session ended', has('closed', { unsettled: false }));
  around(prototype, 'change', 'checkpoint begun', ([, facts]) =>
    (facts as SessionFacts).facts.includes('"checkpointing":{'),
  );
  around(prototype, 'addCheckpoint', 'checkpoint', () => true);
  pointsOf(Spaces.prototype, 'release', {
    before: 'workspace of the session not removed',
    after: 'workspace of the session removed',
  });
}

function specPoints(): void {
  const { prototype } = SpecRows;
  around(prototype, 'insert', 'spec', () => true);
  around(prototype, 'remove', 'spec removal', () => true);
  around(prototype, 'drop', 'spec dropped', () => true);
}

function assetPoints(): void {
  around(AssetRows.prototype, 'insert', 'asset', () => true);
  around(AssetRows.prototype, 'remove', 'asset removal', () => true);
  pointsOf(Contents.prototype, 'keep', {
    before: 'asset come, not kept',
    after: 'asset kept',
    when: ([path]) => String(path).includes('/coming/'),
  });
  pointsOf(StagedFiles.prototype, 'whole', {
    before: 'archive unpacked, not judged',
    after: 'archive judged',
  });
  pointsOf(Hands.prototype, 'capture', {
    after: 'archive captured',
    when: ([job]) => (job as { root: string }).root.includes('/uploads/'),
  });
  pointsOf(PreparedTrees.prototype, 'drop', { before: 'tree of an asset not dropped' });
  pointsOf(fs, 'renameSync', {
    before: 'tree of an asset not in place',
    after: 'tree of an asset in place',
    when: ([from, to]) => [from, to].every((path) => String(path).includes('/assets/trees/')),
  });
}

function workspacePoints(): void {
  const { prototype } = WorkspaceRows;
  const hasFacts = (facts: object) => (args: readonly unknown[]) =>
    Object.entries(facts).every(([name, value]) => (args[1] as Record<string, unknown>)[name] === value);
  const filled = ([, facts]: readonly unknown[]): boolean =>
    hasFacts({ state: 'ready' })([null, facts]) && 'baseSnapshot' in (facts as object);
  around(prototype, 'insert', 'workspace', () => true);
  around(prototype, 'change', 'workspace ready', filled);
  around(prototype, 'change', 'restore', hasFacts({ state: 'restoring' }));
  around(prototype, 'change', 'restored', hasFacts({ state: 'ready', restoring: null }));
  around(prototype, 'remove', 'workspace removal', () => true);
  for (const what of ['base', 'before', 'after'])
    around(SnapshotRows.prototype, 'insert', `snapshot ${what}`, ([row]) =>
      (row as { id: string }).id.endsWith(`.${what}`),
    );
  around(SnapshotRows.prototype, 'insert', 'snapshot taken', ([row]) =>
    (row as { origin: string }).origin.startsWith('sent:'),
  );
  pointsOf(fs, 'mkdirSync', {
    after: 'workspace directory made',
    when: ([path]) => String(path).endsWith('/tree'),
  });
  pointsOf(RunTurns.prototype, 'prepare', {
    before: 'turn in the workspace',
    after: 'prepared in the workspace',
  });
  pointsOf(RunTurns.prototype, 'conclude', { after: 'workspace counted' });
}

/** A line of the redo log of which one half is written. */
function cutTurns(): void {
  const { writeSync } = fs;
  fs.writeSync = ((fd: number, bytes: Buffer, ...place: number[]) => {
    const isTurn = /^[0-9a-f]{8} \d+ \[/.test(bytes.toString('latin1', 0, 40));
    const [offset = 0, length = bytes.length, position] = place;
    if (isTurn && isOrdered(HALF_A_TURN))
      writeSync(fd, bytes, offset, Math.floor(length / 2), position ?? null);
    if (isTurn) at(HALF_A_TURN);
    return writeSync(fd, bytes, offset, length, position ?? null);
  }) as typeof writeSync;
}

function supervisorPoints(): void {
  const client = SupervisorClient.prototype;
  const { spawn, adopt } = client;
  client.spawn = async function (this: SupervisorClient, request, startedAt, listener) {
    at('spawn not sent');
    await spawn.call(this, request, startedAt, withPoints(listener));
    at('spawn sent');
  };
  client.adopt = async function (this: SupervisorClient, run, handed) {
    at('adoption not sent');
    await adopt.call(this, run, { ...handed, listener: withPoints(handed.listener) });
    at('adoption sent');
  };
  pointsOf(client, 'stop', { before: 'stop not sent', after: 'stop sent' });
  pointsOf(client, 'close', { before: 'supervisor not left', after: 'supervisor left' });
  pointsOf(client, 'forget', { after: 'forgotten by the supervisor' });
}

function withPoints(listener: ProgramListener): ProgramListener {
  return {
    ...listener,
    started(pid) {
      at('started');
      listener.started?.(pid);
    },
    began(msAgo) {
      at('began');
      listener.began?.(msAgo);
    },
    exited(facts, end) {
      at('exit told');
      listener.exited(facts, end);
    },
  };
}

async function filePoints(): Promise<void> {
  const named =
    (name: string, text = '') =>
    ([path]: readonly unknown[]): boolean =>
      String(path).endsWith(name) && fs.readFileSync(String(path), 'utf8').includes(text);
  const kept = { claim: named('claims.json.new'), completion: named('claims.json.new', '"completion":{') };
  for (const [what, when] of Object.entries({
    ...kept,
    job: named('http-job.json.new'),
    'container record': named('container.json.new'),
  }))
    pointsOf(fs, 'renameSync', { before: `${what} not kept`, after: `${what} kept`, when });
  const unfinished = ([path]: readonly unknown[]): boolean => String(path).includes(UNFINISHED_RESULT);
  pointsOf(promises, 'writeFile', {
    before: 'result file not begun',
    after: 'result file unfinished',
    when: unfinished,
  });
  pointsOf(promises, 'rename', { after: 'result file in place', when: unfinished });
  const at = (which: number, name: string) => (args: readonly unknown[]) =>
    String(args[which]).endsWith(name);
  pointsOf(promises, 'mkdir', { after: 'given begun', when: at(0, '/given.making') });
  pointsOf(promises, 'rename', {
    before: 'given whole, not in place',
    after: 'given in place',
    when: at(1, '/given'),
  });
  pointsOf(promises, 'rename', {
    before: 'given not taken away',
    after: 'given being taken away',
    when: at(1, '/given.leaving/given'),
  });
  pointsOf(promises, 'rmdir', { before: 'given gone, result stored', when: at(0, '/given.leaving') });
  const handle = await promises.open('/dev/null');
  pointsOf(Object.getPrototypeOf(handle), 'write', {
    before: 'copying an artifact',
    when: ([, , length]) => Number(length) >= BLOCK_BYTES,
  });
  await handle.close();
}

function containerPoints(): void {
  const docker = new Docker();
  pointsOf(Docker.prototype, 'createContainer', { after: 'container made' });
  const container = Object.getPrototypeOf(docker.getContainer(''));
  const ofWorkspace = ([given, about]: readonly unknown[]): boolean =>
    (about as { path?: string } | undefined)?.path === '/' ||
    (given as { path?: string }).path === '/workspace';
  pointsOf(container, 'putArchive', {
    before: 'workspace not copied in',
    after: 'workspace copied in',
    when: ofWorkspace,
  });
  pointsOf(container, 'getArchive', { before: 'workspace not copied out', when: ofWorkspace });
  pointsOf(RunTurns.prototype, 'replace', {
    before: 'workspace coming back',
    after: 'workspace copied back',
  });
  pointsOf(Hands.prototype, 'capture', {
    before: 'workspace unpacked',
    after: 'workspace captured',
    when: ([job]) => (job as { root: string }).root.includes('/beside/'),
  });
  pointsOf(container, 'start', { before: 'container not started', after: 'container started' });
  pointsOf(container, 'remove', { before: 'container not removed', after: 'container removed' });
  pointsOf(container, 'putArchive', {
    before: 'keeper not put',
    after: 'keeper put',
    when: ([, about]) => (about as { path?: string }).path === '/.runwire',
  });
  pointsOf(container, 'exec', { before: 'exec not made', after: 'exec made' });
  pointsOf(Object.getPrototypeOf(docker.getExec('')), 'start', {
    before: 'exec not started',
    after: 'exec started',
  });
}
