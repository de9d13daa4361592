import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { type BuiltApp, buildApp } from '../helpers/build-app.ts';
import { parseEvents } from '../helpers/run-events.ts';
import { expectRxpDocuments } from '../helpers/rxp.ts';
import { NASTY_IDS, rxpId } from '../helpers/rxp-ids.ts';

const TELLS = ['sh', '-c', 'printf %s "$RUNWIRE_INVOCATION_ID"; echo x > a.txt'];

for (const spawn of ['posix', 'portable'])
  describe(`Any id of RxP (${spawn} spawner)`, () => {
    let app: BuiltApp;
    let origin: string;
    beforeAll(async () => {
      app = await buildApp({ config: { RUNWIRE_SPAWN: spawn } });
      origin = await app.listen();
    });
    afterAll(() => app.end());

    /** The path as it stands: nothing is folded or escaped on the way. */
    async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
      const sent = request(origin, { method, path, headers, agent: false });
      sent.end(body);
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
    }

    const post = (id: string) => {
      const options = { artifacts: ['*.txt'] };
      const body = { invocation_id: id, runtime_kind: 'subprocess', command: TELLS, options };
      const headers = { 'content-type': 'application/json' };
      return ask('POST', '/invocations?wait=40', headers, JSON.stringify(body));
    };
    const get = async (path: string, accept = '*/*') => {
      const answer = await ask('GET', path, { accept });
      expect(answer.status, `${path} ${answer.body}`).toBe(200);
      return answer.body;
    };

    /** The whole life of a run, by the addresses that the server itself gives. */
    async function live(id: string): Promise<void> {
      const posted = await post(id);
      expect(posted.status, posted.body).toBe(200);
      const record = JSON.parse(posted.body) as RunRecord;
      const { links, result, invocation } = record;
      expect(invocation.invocation_id).toBe(id);
      expect(posted.headers.location).toBe(links.self);
      for (const link of Object.values(links)) expect(link).toMatch(/^\/[\x21-\x7e]+$/);
      expect(JSON.parse(await get(links.self))).toEqual(record);
      expect(JSON.parse(await get(links.result))).toEqual(result);
      expect(await get(links.stdout)).toBe(id);
      expect(await get(links.output)).toBe(id);
      expect(await get(links.stderr)).toBe('');
      const events = parseEvents(await get(links.events, 'application/x-ndjson'));
      expect(events.at(-1)).toMatchObject({ type: 'finished', invocation_id: id });
      expect(await get(links.events, 'text/event-stream')).toContain('event: finished');
      const { items } = JSON.parse(await get(links.artifacts)) as { items: RunRecord['result'][] };
      expect(items).toEqual(result?.artifacts);
      const own = result?.artifacts.at(-1);
      expect(own?.artifact_id).toBe('a.txt');
      expect(await get(own?.metadata.href ?? '')).toBe('x\n');
      await expectRxpDocuments(app, id);
      const cancelled = await ask('POST', links.cancel);
      expect(cancelled.status).toBe(200);
      expect((await post(id)).headers['idempotency-replayed']).toBe('true');
      expect((await ask('DELETE', links.self)).status).toBe(204);
      const gone = await ask('GET', links.self);
      expect(gone.status).toBe(410);
      expect(JSON.parse(gone.body)).toMatchObject({ code: 'invocation_removed', instance: links.self });
    }

    test.each(NASTY_IDS)('%j has a life like any other', live);

    test('a random one has a life like any other', async () => {
      const seen = new Set(NASTY_IDS);
      await fc.assert(
        fc.asyncProperty(rxpId, async (id) => {
          if (seen.has(id)) return;
          seen.add(id);
          await live(id);
        }),
        { numRuns: 40, endOnFailure: true },
      );
    });
  });

describe('What is no id of RxP', () => {
  let app: BuiltApp;
  beforeAll(async () => {
    app = await buildApp();
  });
  afterAll(() => app.end());

  test.each(
    Object.entries({
      'an empty one': '',
      here: '.',
      up: '..',
      'a NUL': 'a\0',
      'a line': 'a\nb',
      'an escape': '\u001b[31m',
      DEL: '\u007f',
      'a C1 control': '\u0085',
      'half of a pair': 'a\ud83d',
      'the other half': '\ude00b',
      '257 bytes': 'a'.repeat(257),
      '258 bytes in 129 characters': 'é'.repeat(129),
    }),
  )('%s is 422 and named', async (_, id) => {
    const payload = { invocation_id: id, runtime_kind: 'manual' };
    const answer = await app.app.inject({ method: 'POST', url: '/invocations', payload });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ errors: [{ path: 'invocation_id' }] });
  });

  test('ids that differ in Unicode form or case alone are runs of their own, with files of their own', async () => {
    const ids = ['é', 'e\u0301', 'Ü1', 'ü1', 'ABC', 'abc', 'Abc', 'ﬁ', 'fi'];
    for (const invocation_id of ids)
      await app.run({ invocation_id, runtime_kind: 'subprocess', command: ['printf', '%s', invocation_id] });
    const roots = ids.map((id) => app.engine.directory(id).root);
    expect(new Set(roots.map((root) => root.normalize('NFKC').toLowerCase())).size).toBe(ids.length);
    for (const id of ids)
      expect((await app.app.inject(`/invocations/${encodeURIComponent(id)}/stdout`)).body).toBe(id);
  });
});
