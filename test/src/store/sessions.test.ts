import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { InvocationStore } from '../../../src/store/invocation-store.ts';
import type { SessionFacts } from '../../../src/store/sessions.ts';

function room(): { open: () => InvocationStore } {
  const dir = mkdtempSync(join(tmpdir(), 'runwire-sessions-'));
  const stores: InvocationStore[] = [];
  onTestFinished(() => {
    for (const store of stores) store.close();
    rmSync(dir, { recursive: true });
  });
  return {
    open() {
      stores.pop()?.close();
      const store = new InvocationStore(join(dir, 'runwire.db'));
      stores.push(store);
      return store;
    },
  };
}

const session = (id: string, workspace = `w-${id}`) => ({
  ...{ id, workspace, fingerprint: null, input: '{"kind":"k"}', createdAt: 1 },
});
const facts = (changes: Partial<SessionFacts> = {}): SessionFacts => ({
  ...{ state: 'ready', unsettled: false, expiresAt: null, setup: 'setup', facts: '{}' },
  ...changes,
});

test('what is written of a session is there for the next server', () => {
  const { open } = room();
  const { sessions } = open();
  sessions.insert(session('a'), facts({ state: 'preparing', unsettled: true, setup: 'run-a' }));
  const { n = 0 } = sessions.get('a') ?? {};
  sessions.change(n, facts({ expiresAt: 5, setup: 'run-b', facts: '{"generation":2}' }));
  sessions.addCheckpoint(n, 'snapshot', 'before');
  const later = open().sessions;
  expect(later.get('a')).toEqual({
    ...{ n, ...session('a'), ...facts({ expiresAt: 5, setup: 'run-b', facts: '{"generation":2}' }) },
  });
  expect([later.sinceOf(n, 'snapshot'), later.sinceOf(n, 'other')]).toEqual(['before', undefined]);
  expect([later.ofSetup('run-a'), later.ofSetup('run-b')?.id]).toEqual([undefined, 'a']);
});

test('they are found by what is to be done with them', () => {
  const { sessions } = room().open();
  sessions.insert(session('a'), facts({ state: 'preparing', unsettled: true, expiresAt: 30 }));
  sessions.insert(session('b', 'shared'), facts({ expiresAt: 20 }));
  sessions.insert(session('c', 'shared'), facts({ state: 'closed' }));
  sessions.insert(session('d', 'other'), facts({ state: 'closed', unsettled: true }));
  const ids = (rows: Iterable<{ id: string }>) => [...rows].map(({ id }) => id);
  expect(ids(sessions.unsettled())).toEqual(['a', 'd']);
  expect(ids(sessions.expired(19))).toEqual([]);
  expect(ids(sessions.expired(30))).toEqual(['b', 'a']);
  expect(ids(sessions.open())).toEqual(['a', 'b']);
  expect([sessions.ofWorkspace('shared')?.id, sessions.ofWorkspace('other')?.id]).toEqual(['b', 'd']);
  expect(sessions.ofWorkspace('none')).toBeUndefined();
  const { rows, nextCursor } = sessions.page({ limit: 3 });
  expect([ids(rows), ids(sessions.page({ limit: 3, cursor: nextCursor ?? '' }).rows)]).toEqual([
    ['d', 'c', 'b'],
    ['a'],
  ]);
});

test('one that is forgotten takes its checkpoints with it, and another may have its id', () => {
  const { sessions } = room().open();
  sessions.insert(session('a'), facts({ state: 'closed' }));
  const { n = 0 } = sessions.get('a') ?? {};
  sessions.addCheckpoint(n, 'snapshot', 'before');
  sessions.insert(session('a', 'new'), facts(), n);
  const next = sessions.get('a');
  expect(next).toMatchObject({ workspace: 'new', state: 'ready' });
  expect([sessions.sinceOf(n, 'snapshot'), sessions.sinceOf(next?.n ?? 0, 'snapshot')]).toEqual([
    undefined,
    undefined,
  ]);
  expect(sessions.remove(next?.n ?? 0)).toBe(true);
  expect([sessions.get('a'), sessions.remove(next?.n ?? 0)]).toEqual([undefined, false]);
});
