import { describe, expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

describe('GET /invocations', () => {
  test('gives records newest first, page by page', async () => {
    await using stub = stubApp();
    for (const id of ['a', 'b', 'c']) await stub.start(id);
    const page = await stub.app.inject('/invocations?limit=2');
    expect(page.json().items.map((item: { links: { self: string } }) => item.links.self)).toEqual([
      '/invocations/c',
      '/invocations/b',
    ]);
    const rest = await stub.app.inject(`/invocations?limit=2&cursor=${page.json().next_cursor}`);
    expect(rest.json()).toEqual({ items: [stub.engine.record('a')], next_cursor: null });
  });

  test('filters by status', async () => {
    await using stub = stubApp();
    for (const id of ['a', 'b']) await stub.start(id);
    stub.engine.finish('a');
    const response = await stub.app.inject('/invocations?status=running');
    expect(response.json()).toEqual({ items: [stub.engine.record('b')], next_cursor: null });
  });

  test.each(['limit=0', 'limit=x', 'limit=5000', 'status=done', 'limit=1&limit=2'])(
    'refuses ?%s',
    async (query) => {
      await using stub = stubApp();
      const response = await stub.app.inject(`/invocations?${query}`);
      expect(response.statusCode).toBe(400);
      expect(response.json()).toMatchObject({ code: 'bad_request', errors: [{ path: query.split('=')[0] }] });
    },
  );
});
