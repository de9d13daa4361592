import { describe, expect, test } from 'vitest';
import { clientHasIt, mayChange, rangeStillFits } from '../../../routes/requests/preconditions.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { fake } from '../../helpers/fake-runner.ts';
import { stubApp } from '../../helpers/stub-app.ts';

const etag = '"abc"';
const outcome = (headers: Record<string, string>, tag: string | null = etag): string => {
  try {
    return clientHasIt(headers, tag) ? '304' : '200';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('preconditions', () => {
  test.each([
    [{}, '200'],
    [{ 'if-none-match': etag }, '304'],
    [{ 'if-none-match': `W/${etag}` }, '304'],
    [{ 'if-none-match': `"x", W/"y",${etag}` }, '304'],
    [{ 'if-none-match': ' * ' }, '304'],
    [{ 'if-none-match': '"x"' }, '200'],
    [{ 'if-none-match': 'abc' }, '200'],
    [{ 'if-none-match': '"x,"abc""' }, '200'],
    [{ 'if-none-match': 'w/"abc"x' }, '304'],
    [{ 'if-match': etag }, '200'],
    [{ 'if-match': `"x" , ${etag}` }, '200'],
    [{ 'if-match': '*' }, '200'],
    [{ 'if-match': `W/${etag}` }, 'precondition_failed'],
    [{ 'if-match': '"x"' }, 'precondition_failed'],
    [{ 'if-match': 'abc' }, 'precondition_failed'],
    [{ 'if-match': '' }, 'precondition_failed'],
    [{ 'if-match': etag, 'if-none-match': etag }, '304'],
    [{ 'if-match': '"x"', 'if-none-match': etag }, 'precondition_failed'],
    // Nothing has a date here.
    [{ 'if-modified-since': 'Fri, 27 Nov 2099 17:18:09 GMT' }, '200'],
    [{ 'if-unmodified-since': 'Fri, 27 Nov 1999 17:18:09 GMT' }, '200'],
    [{ 'if-none-match': '"x"', 'if-modified-since': 'Fri, 27 Nov 2099 17:18:09 GMT' }, '200'],
  ] as const)('%j come to %s', (headers, expected) => {
    expect(outcome(headers)).toBe(expected);
  });

  test('what has no tag matches none, but is there', () => {
    expect(outcome({ 'if-match': '"x"' }, null)).toBe('precondition_failed');
    expect(outcome({ 'if-match': '*' }, null)).toBe('200');
    expect(outcome({ 'if-none-match': '"x"' }, null)).toBe('200');
  });

  test.each([
    [undefined, true],
    [etag, true],
    [`W/${etag}`, false],
    ['"x"', false],
    ['Fri, 27 Nov 2026 17:18:09 GMT', false],
  ])('If-Range: %s lets a range be sent: %s', (header, expected) => {
    expect(rangeStillFits(header, etag)).toBe(expected);
  });
});

describe('the bytes of a run', () => {
  test.each(['stdout', 'output', 'artifacts/a1'])('%s are answered by them, for HEAD too', async (part) => {
    await using stub = stubApp();
    await stub.start('a');
    stub.engine.write('a', 'stdout', '0123456789');
    stub.engine.addArtifact('a', 'f.txt', '0123456789');
    stub.engine.finish('a');
    const url = `/invocations/a/${part}`;
    const tag = String((await stub.app.inject(url)).headers.etag);
    expect(tag).toMatch(/^"[^"]+"$/);
    const ask = async (headers: Record<string, string>, method: 'GET' | 'HEAD' = 'GET') => {
      const response = await stub.app.inject({ method, url, headers });
      return [response.statusCode, method === 'HEAD' ? '' : response.body.slice(0, 10)];
    };
    for (const method of ['GET', 'HEAD'] as const) {
      expect((await ask({ 'if-match': '"x"' }, method))[0]).toBe(412);
      expect((await ask({ 'if-match': tag }, method))[0]).toBe(200);
      expect(await ask({ 'if-none-match': `"x", W/${tag}` }, method)).toEqual([304, '']);
      expect(await ask({ 'if-none-match': '*' }, method)).toEqual([304, '']);
    }
    const range = 'bytes=2-3';
    expect(await ask({ range, 'if-range': tag })).toEqual([206, '23']);
    expect(await ask({ range: 'Bytes=2-3' })).toEqual([206, '23']);
    expect(await ask({ range, 'if-range': `W/${tag}` })).toEqual([200, '0123456789']);
    expect((await ask({ range }, 'HEAD'))[0]).toBe(200);
    // The order of RFC 9110, 13.2.2: a range comes after all conditions, one that cannot be satisfied too.
    expect((await ask({ range, 'if-match': '"x"' }))[0]).toBe(412);
    expect((await ask({ range, 'if-none-match': tag }))[0]).toBe(304);
    expect((await ask({ range: 'bytes=99-', 'if-none-match': tag }))[0]).toBe(304);
    expect((await ask({ range: 'bytes=99-', 'if-range': '"x"' }))[0]).toBe(200);
    expect((await ask({ range: 'bytes=99-', 'if-match': tag }))[0]).toBe(416);
    const fresh = await stub.app.inject({ url, headers: { 'if-none-match': tag } });
    expect(fresh.headers).toMatchObject({ etag: tag, 'cache-control': 'no-cache' });
  });
});

describe('a method that changes something', () => {
  const fate = (headers: Record<string, string>, current: { etag: string | null } | null): string => {
    try {
      mayChange(headers, current);
      return 'performed';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  test.each([
    [{}, 'performed', 'performed', 'performed'],
    [{ 'if-match': '*' }, 'performed', 'performed', 'precondition_failed'],
    [{ 'if-match': etag }, 'performed', 'precondition_failed', 'precondition_failed'],
    [{ 'if-match': `"x", ${etag}` }, 'performed', 'precondition_failed', 'precondition_failed'],
    [{ 'if-match': `W/${etag}` }, 'precondition_failed', 'precondition_failed', 'precondition_failed'],
    [{ 'if-match': '' }, 'precondition_failed', 'precondition_failed', 'precondition_failed'],
    [{ 'if-none-match': '*' }, 'precondition_failed', 'precondition_failed', 'performed'],
    [{ 'if-none-match': `W/${etag}` }, 'precondition_failed', 'performed', 'performed'],
    [{ 'if-none-match': '"x"' }, 'performed', 'performed', 'performed'],
    [{ 'if-match': etag, 'if-none-match': '"x"' }, 'performed', 'precondition_failed', 'precondition_failed'],
    [{ 'if-unmodified-since': 'Fri, 27 Nov 1999 17:18:09 GMT' }, 'performed', 'performed', 'performed'],
  ] as const)(
    '%j: %s where it has the tag, %s where it has none, %s where there is nothing',
    (headers, ...fates) => {
      expect([{ etag }, { etag: null }, null].map((current) => fate(headers, current))).toEqual(fates);
    },
  );

  test('DELETE of a run is performed when its conditions hold, and its other answers come first', async () => {
    await using server = buildEngine();
    const record = await server.run(fake());
    const { invocation_id: id } = record.invocation;
    const ask = async (headers: Record<string, string>, of = id) =>
      (await server.request({ method: 'DELETE', url: `/invocations/${of}`, headers })).statusCode;
    expect(await ask({ 'if-match': '"x"' }, 'unknown')).toBe(404);
    expect(await ask({ 'if-match': '"x"' })).toBe(412);
    expect(await ask({ 'if-none-match': '*' })).toBe(412);
    expect((await server.get(`/invocations/${id}`)).statusCode).toBe(200);
    const running = (await server.post(fake({ sleep_ms: 60_000 }))).json().invocation.invocation_id;
    expect(await ask({ 'if-match': '"x"' }, running)).toBe(409);
    expect(await ask({ 'if-match': '*', 'if-none-match': '"x"' })).toBe(204);
    expect(await ask({ 'if-match': '*' })).toBe(410);
  });

  test('POST is not performed for a tag that nothing has, nor where it is to find nothing and does', async () => {
    await using server = buildEngine();
    const post = (url: string, headers: Record<string, string>, payload: object = {}) =>
      server.request({ method: 'POST', url, headers, payload });
    const refused = await post('/invocations', { 'if-match': '"x"' }, fake({}, { invocation_id: 'never' }));
    expect([refused.statusCode, refused.json().code]).toEqual([412, 'precondition_failed']);
    expect((await post('/invocations', { 'if-none-match': '*' }, fake())).statusCode).toBe(412);
    expect((await server.get('/invocations/never')).statusCode).toBe(404);
    expect((await post('/invocations', { 'if-match': '"x"' }, { runtime_kind: 1 })).statusCode).toBe(422);
    const made = await post(
      '/invocations',
      { 'if-match': '*', 'if-none-match': '"x"' },
      fake({ sleep_ms: 60_000 }),
    );
    expect(made.statusCode).toBe(202);
    const { invocation_id: id } = made.json().invocation;
    expect((await post(`/invocations/${id}/cancel`, { 'if-match': '*' })).statusCode).toBe(412);
    expect((await post(`/invocations/${id}/cancel`, { 'if-match': '"x"' })).statusCode).toBe(412);
    expect((await post('/invocations/unknown/cancel', { 'if-match': '"x"' })).statusCode).toBe(404);
    const stdin = {
      method: 'POST',
      url: `/invocations/${id}/stdin`,
      payload: 'x'.repeat(1_000_000),
    } as const;
    expect((await server.request({ ...stdin, headers: { 'if-match': '"x"' } })).statusCode).toBe(412);
    expect(server.engine.status(id)).toBe('running');
    expect((await post(`/invocations/${id}/cancel`, { 'if-none-match': '*' })).statusCode).toBe(202);
  });
});
