import { createServer, type RequestListener } from 'node:http';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, startClient } from '../../bench/client.ts';
import type { LoadPlan, LoadReport } from '../../bench/clients/load.ts';
import { httpRequest } from '../../bench/peer.ts';

let client: Client;

async function load(listener: RequestListener, plan: Partial<LoadPlan>): Promise<LoadReport> {
  await using server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  const requests = [httpRequest(port, '/', { a: 1 })];
  return await client.ask(
    { port, requests, expect: 'ok', connections: 4, seconds: 20, limit: 50, ...plan },
    40,
  );
}

describe('The load generator', () => {
  beforeAll(() => {
    client = startClient(resolve(import.meta.dirname, '../../bench/clients/load.ts'));
  });
  afterAll(() => client.stop());

  test('sends as many requests as it was told, over as many connections', async () => {
    let requests = 0;
    const connections = new Set<unknown>();
    const report = await load((request, response) => {
      requests++;
      connections.add(request.socket);
      response.end('ok');
    }, {});
    expect(report).toMatchObject({ answered: 50, reconnects: 0 });
    expect(requests).toBe(50);
    expect(connections.size).toBe(4);
  });

  test('sends its requests one after the other, and from the first again', async () => {
    const seen: (string | undefined)[] = [];
    const plan = { requests: ['/a', '/b'].map((path) => httpRequest(1, path)), connections: 1, limit: 3 };
    await load(({ url }, response) => {
      seen.push(url);
      response.end('ok');
    }, plan);
    expect(seen).toEqual(['/a', '/b', '/a']);
  });

  test('ends when its seconds are over', async () => {
    const report = await load((_, response) => response.end('ok'), { seconds: 0.2, limit: 1e9 });
    expect(report.answered).toBeGreaterThan(0);
  });

  test('opens a connection again that the peer closes', async () => {
    const report = await load((_, response) => response.setHeader('connection', 'close').end('ok'), {});
    expect(report).toMatchObject({ answered: 50, reconnects: 50 });
  });

  test('fails at a wrong status and at a wrong body, and can be asked again', async () => {
    await expect(load((_, response) => response.writeHead(500).end('ok'), {})).rejects.toThrow(
      'wrong answer: 500',
    );
    await expect(load((_, response) => response.end('no'), {})).rejects.toThrow('wrong answer: 200 no');
    expect(await load((_, response) => response.end('ok'), {})).toMatchObject({ answered: 50 });
  });
});
