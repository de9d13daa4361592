import { describe, expect, test } from 'vitest';
import { type GrepOptions, grep } from '../../../mcp/output/grep.ts';
import { clientServer, sh } from '../../helpers/client-server.ts';

const usual = {
  ...{ texts: ['x'], ignoreCase: false, context: 0, stream: 'both', phase: 'command', offset: 0, room: 4000 },
  signal: new AbortController().signal,
} satisfies GrepOptions;

describe('Searching output', () => {
  const server = clientServer();
  const found = async (script: string, options: Partial<GrepOptions>) => {
    const run = await server.rw.submit(sh(script));
    await run.wait();
    return grep(run, { ...usual, ...options });
  };

  test('gives the lines that have one of the texts, each with the byte at which it begins', async () => {
    const { text, ...facts } = await found('echo one; echo two; echo three; printf none', {
      texts: ['two', 'on'],
    });
    expect(text).toBe('0:one\n4:two\n14:none\n');
    expect(facts).toEqual({ matches: 3, searched: { from: 0, to: 18 }, next_offset: null });
  });

  test('takes texts as they are written, and letters in either case where that is wanted', async () => {
    expect((await found("echo 'a.c'; echo abc", { texts: ['a.c'] })).text).toBe('0:a.c\n');
    expect(
      (await found('echo Error; echo ERROR; echo err', { texts: ['eRRor'], ignoreCase: true })).matches,
    ).toBe(2);
  });

  test('shows lines around, each once, and where lines are left out', async () => {
    const { text } = await found('seq 1 30', { texts: ['5'], context: 1 });
    expect(text).toBe('6-4\n8:5\n10-6\n--\n30-14\n33:15\n36-16\n--\n60-24\n63:25\n66-26\n');
    expect((await found('seq 1 9', { texts: ['4', '6'], context: 2 })).text).toBe(
      '2-2\n4-3\n6:4\n8-5\n10:6\n12-7\n14-8\n',
    );
  });

  test('finds a line of a long output wherever the parts that it comes in begin, with lines before it', async () => {
    const { text, searched } = await found('seq 1 200000', { texts: ['199999'], context: 1 });
    expect(text).toBe('1288874-199998\n1288881:199999\n1288888-200000\n');
    expect(searched).toEqual({ from: 0, to: 1_288_895 });
  });

  test('stops where the room ends, and goes on from there', async () => {
    const run = await server.rw.submit(sh('seq 1 2000'));
    await run.wait();
    let matches = 0;
    for (let offset: number | null = 0; offset !== null; ) {
      const part = await grep(run, { ...usual, texts: ['7'], room: 300, offset });
      expect(Buffer.byteLength(JSON.stringify(part.text)) - 2).toBeLessThanOrEqual(300);
      matches += part.matches;
      offset = part.next_offset;
    }
    expect(matches).toBe(542);
  });

  test('shows what is around a text in a line without an end', async () => {
    const { text } = await found(
      "head -c 300000 /dev/zero | tr '\\0' a; printf needle; head -c 1000 /dev/zero | tr '\\0' b",
      {
        texts: ['needle'],
      },
    );
    expect(text).toMatch(/^\d+:…a+needleb+…\n$/);
    expect(text.length).toBeLessThan(700);
  });
});
