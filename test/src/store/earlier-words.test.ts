import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { inRxpWords } from '../../../src/store/earlier-words.ts';
import { InvocationStore } from '../../../src/store/invocation-store.ts';
import { buildApp } from '../../helpers/build-app.ts';
import { eventsOf } from '../../helpers/run-events.ts';
import { expectRxpDocuments } from '../../helpers/rxp.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-earlier-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const resultOf = (name: string, kind: string): string =>
  JSON.stringify({
    schema_version: '0.1',
    contract_kind: 'runtime_result',
    invocation_id: 'a"\\\\b',
    runtime_name: name,
    runtime_kind: kind,
    status: 'failed',
    metadata: { runtime_kind: kind },
  });

test.each([
  ['docker', 'container'],
  ['container', 'container'],
  ['async-http', 'http_async'],
  ['async_http', 'http_async'],
  ['manual', 'manual'],
  ['own-kind', 'unknown'],
  ['odd","runtime_kind":"docker\\', 'unknown'],
])('a result that was stored with the word %j has the word %s', (word, kind) => {
  const name = 'x","runtime_kind":"docker","y\\';
  const told = JSON.parse(inRxpWords(resultOf(name, word))) as RunRecord['result'];
  expect(told).toEqual({ ...JSON.parse(resultOf(name, word)), runtime_kind: kind });
});

test('what an earlier release stored is told in the words of RxP, everywhere', async () => {
  const id = `earlier-${randomUUID()}`;
  const sent = {
    invocation_id: id,
    runtime_kind: 'docker',
    options: { docker: { image: 'x@@', user: 'a' } },
  };
  const first = await buildApp({ dataDir, config: { DOCKER_HOST: 'unix:///nowhere' } });
  const before = await first.run({
    ...sent,
    options: { ...sent.options, on_finish: { url: 'http://127.0.0.1:9' } },
  });
  await first.end();
  const db = new DatabaseSync(join(dataDir, 'runwire.db'));
  db.exec(
    `UPDATE results SET result = replace(result, '"runtime_kind":"container"', '"runtime_kind":"docker"')`,
  );
  expect(db.prepare('SELECT result FROM results').get()?.result).toContain('"runtime_kind":"docker"');
  db.close();

  const app = await buildApp({ dataDir });
  try {
    const record = app.engine.record(id);
    expect(record.result).toEqual(before.result);
    expect(record.result?.runtime_kind).toBe('container');
    expect((await eventsOf(app, record)).at(-1)).toMatchObject({ result: record.result });
    expect((await app.app.inject('/invocations')).json()).toMatchObject({
      items: [{ result: record.result }],
    });
    await expectRxpDocuments(app, id);
  } finally {
    await app.end();
  }
  const store = new InvocationStore(join(dataDir, 'runwire.db'));
  expect(JSON.parse(store.delivery(id)?.result ?? '')).toEqual(before.result);
  store.close();
});
