import { describe, expect, test } from 'vitest';
import { NotFoundError, type OutputPart } from '../../client/runwire.ts';
import { clientServer, sh } from '../helpers/client-server.ts';

const told = ({ offset, bytes, total }: OutputPart) => [offset, Buffer.from(bytes).toString(), total];

describe('Parts of what the server has', () => {
  const server = clientServer();

  test('of output, from either end, of each stream and of both, are exact', async () => {
    const run = await server.rw.submit(sh('printf 0123456789; sleep 0.3; printf abc >&2'));
    await run.wait();
    expect(told(await run.part({ most: 4 }))).toEqual([0, '0123', 13]);
    expect(told(await run.part({ from: 8, most: 3 }))).toEqual([8, '89a', 13]);
    expect(told(await run.part({ from: -4, most: 100 }))).toEqual([9, '9abc', 13]);
    expect(told(await run.part({ stream: 'stderr', from: 1, most: 100 }))).toEqual([1, 'bc', 3]);
    expect(told(await run.part({ stream: 'stdout', from: -100, most: 2 }))).toEqual([0, '01', 10]);
    expect(told(await run.part({ from: 99, most: 1 }))).toEqual([13, '', 13]);
    expect(told(await run.part({ phase: 'setup', most: 9 }))).toEqual([0, '', 0]);
  });

  test('of output that goes on are of what is there, and the server does not send the rest', async () => {
    const run = await server.rw.submit(sh('head -c 3000000 /dev/zero; sleep 600'));
    await expect.poll(async () => (await run.part({ most: 1 })).total).toBe(3_000_000);
    const part = await run.part({ from: 2_999_990, most: 100 });
    expect([part.offset, part.bytes.length]).toEqual([2_999_990, 10]);
    expect((await run.part({ from: 1000, most: 5 })).bytes.length).toBe(5);
    await run.cancel({ graceSeconds: 0 });
  });

  test('of a file are exact, with what is known of the whole', async () => {
    const workspace = await server.rw.workspaces.create();
    await workspace.put('a.txt', '0123456789');
    await workspace.put('empty', '');
    const of = async (path: string, options: { from?: number; most: number }) => {
      const { offset, bytes, size } = await workspace.file(path).part(options);
      return [offset, Buffer.from(bytes).toString(), size];
    };
    expect(await of('a.txt', { most: 3 })).toEqual([0, '012', 10]);
    expect(await of('a.txt', { from: -2, most: 9 })).toEqual([8, '89', 10]);
    expect(await of('a.txt', { from: 20, most: 9 })).toEqual([10, '', 10]);
    expect(await of('empty', { most: 9 })).toEqual([0, '', 0]);
  });

  test('of what is not there are refused with the words of the server, though HEAD has none', async () => {
    const missing = server.rw.attach('none');
    for (const asked of [
      missing.part({ most: 1 }),
      missing.artifact('a').head(),
      missing.file('a').part({ most: 1 }),
    ]) {
      const error = await asked.catch((thrown) => thrown);
      expect(error).toBeInstanceOf(NotFoundError);
      expect(error).toMatchObject({ code: 'invocation_not_found', message: expect.stringContaining('none') });
    }
  });
});
