import { describe, expect, test } from 'vitest';
import { LEAST_BUDGET, shownRun } from '../../../mcp/output/shown-run.ts';
import { clientServer, sh } from '../../helpers/client-server.ts';

const HOSTILE: readonly [string, string][] = [
  ['plain lines', 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done'],
  [
    'quotes and backslashes',
    `head -c 100000 /dev/zero | tr '\\0' '"'; head -c 100000 /dev/zero | tr '\\0' '\\\\'`,
  ],
  ['control characters', "head -c 100000 /dev/zero; head -c 100000 /dev/zero | tr '\\0' '\\033'"],
  ['random bytes', 'head -c 300000 /dev/urandom'],
  [
    'one character of four bytes, again and again',
    'i=0; while [ $i -lt 12 ]; do p="${p:-😀}"; p="$p$p"; i=$((i+1)); done; i=0; while [ $i -lt 10 ]; do printf %s "$p"; i=$((i+1)); done',
  ],
  ['both streams', 'i=0; while [ $i -lt 3000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done'],
  ['a line without an end', "head -c 200000 /dev/zero | tr '\\0' x"],
  ['nothing', 'true'],
];

describe('Output in a budget', () => {
  const server = clientServer();

  test.each(HOSTILE)('of %s has never more bytes, and says which are left out', async (_name, script) => {
    const run = await server.rw.submit(sh(script));
    const record = await run.wait();
    for (const stream of ['both', 'stdout'] as const) {
      const all: Uint8Array[] = [];
      for await (const part of run.output({ stream })) all.push(part);
      const bytes = Buffer.concat(all);
      for (const budget of [LEAST_BUDGET, 5000, 16_384, 262_144])
        for (const from of ['ends', 'head', 'tail', 1001] as const) {
          const { text, facts } = await shownRun(run, record, { budget, stream, from });
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(budget);
          expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThanOrEqual(budget);
          const { shown, left_out: leftOut, total_bytes: total } = facts.output;
          expect(total).toBe(bytes.length);
          const spans = [...shown, ...leftOut]
            .filter((span) => span.from < span.to)
            .sort((a, b) => a.from - b.from);
          const begin = typeof from === 'number' ? Math.min(from, total) : 0;
          let at = begin;
          for (const { from: a, to: b } of spans) {
            // A character that began before the first byte that was asked for is not shown.
            expect(a - at).toBeLessThanOrEqual(a === at ? 0 : 3);
            at = b;
          }
          expect(at).toBe(total);
          const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
          for (const { from: a, to: b } of shown)
            expect(facts.output.text).toContain(decoder.decode(bytes.subarray(a, b)));
        }
    }
  });

  test('has room for a run whose id, name and end take long to tell', async () => {
    const words = '\u0001'.repeat(500);
    const run = await server.rw.submit({
      ...{ invocation_id: '"'.repeat(256), runtime_kind: 'subprocess', command: [`no-such-${words}`] },
    });
    const shown = await shownRun(run, await run.wait(), { budget: LEAST_BUDGET, next: 'x'.repeat(70) });
    expect(Buffer.byteLength(shown.text)).toBeLessThanOrEqual(LEAST_BUDGET);
    expect(Buffer.byteLength(JSON.stringify(shown.facts))).toBeLessThanOrEqual(LEAST_BUDGET);
  });

  test('is all of it where it fits', async () => {
    const run = await server.rw.submit(sh('echo one; echo two >&2'));
    const { facts } = await shownRun(run, await run.wait(), { budget: LEAST_BUDGET });
    expect(facts.output).toMatchObject({ text: 'one\ntwo\n', shown: [{ from: 0, to: 8 }], left_out: [] });
  });

  test('of a run that goes on is what is there now, and no half of a character', async () => {
    const run = await server.rw.submit(sh("printf 'a\\303'; sleep 600"));
    await expect.poll(async () => (await run.part({ stream: 'stdout', most: 10 })).total).toBe(2);
    const { facts } = await shownRun(run, await run.refresh(), { budget: LEAST_BUDGET });
    expect(facts.output).toMatchObject({ text: 'a', shown: [{ from: 0, to: 1 }], left_out: [] });
    const one = await shownRun(run, await run.refresh(), { budget: LEAST_BUDGET, stream: 'stdout' });
    expect(one.facts.output).toMatchObject({
      text: 'a',
      shown: [{ from: 0, to: 1 }],
      left_out: [{ from: 1, to: 2 }],
    });
    await run.cancel({ graceSeconds: 0 });
  });
});
