import { expect, test } from 'vitest';
import { countedFetch } from '../../../cli/process/counted-fetch.ts';
import { Progress, progressLine } from '../../../cli/process/progress.ts';

test('the line has a bar where the total is known, and never more than all', () => {
  expect(progressLine('sending', 20e6, 50e6, 2000)).toBe(
    'sending [########------------] 40% 20.0 MB of 50.0 MB, 10.0 MB/s',
  );
  expect(progressLine('receiving', 3e6, 2e6, 0)).toBe(
    'receiving [####################] 100% 3.0 MB of 2.0 MB',
  );
  expect(progressLine('sending', 1e6, null, 1000)).toBe('sending 1.0 MB, 1.0 MB/s');
});

test('bodies are counted as they go, and go as they are, with their length and type', async () => {
  let counted = 0;
  const totals: (number | null)[] = [];
  const progress = Object.assign(new Progress('sending'), {
    begin: (total: number | null) => totals.push(total),
    count: (bytes: number) => {
      counted += bytes;
    },
  });
  const seen: Request[] = [];
  const fetch = countedFetch(progress, async (address, init) => {
    const { body } = init ?? {};
    if (body instanceof Blob) expect(body.size).toBe(3);
    seen.push(new Request(address, { ...init, duplex: 'half' } as RequestInit));
    return new Response();
  });
  const ask = async (body: NonNullable<RequestInit['body']>): Promise<Request | undefined> => {
    counted = 0;
    const { signal } = new AbortController();
    await fetch('http://127.0.0.1:9', { method: 'POST', headers: {}, redirect: 'manual', signal, body });
    return seen.at(-1);
  };
  expect(await (await ask(new Blob(['abc'])))?.text()).toBe('abc');
  expect(counted).toBe(3);
  expect(await (await ask(new Blob(['stream']).stream()))?.text()).toBe('stream');
  expect(counted).toBe(6);
  expect(await (await ask('{}'))?.text()).toBe('{}');
  expect(totals).toEqual([3, null]);
});
