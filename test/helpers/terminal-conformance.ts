import { expect, test } from 'vitest';
import type { Suite } from './files-conformance.ts';
import { eventsOf, outputOf } from './run-events.ts';

const terminal = { cols: 80, rows: 24 };

/** A terminal, of kinds that have them; others refuse it. */
export function terminalConforms({ conformance, app, asked, run, about }: Suite): void {
  const { kind, hasTerminals = false } = conformance;

  if (!hasTerminals)
    test('a terminal is refused by name', async () => {
      const payload = asked({}, { options: { terminal } });
      const refused = await app().app.inject({ method: 'POST', url: '/invocations', payload });
      expect([refused.statusCode, refused.json().errors]).toEqual([
        422,
        [{ path: 'options.terminal', message: expect.stringContaining(kind) }],
      ]);
    });
  else
    about('terminals', 'in a terminal all that is written is stdout, in its order', async () => {
      const said = (['stdout', 'stderr', 'stdout'] as const).map((stream, index) => ({
        stream,
        base64: Buffer.from(`${index}\n`).toString('base64'),
      }));
      const record = await run({ output: said }, { options: { terminal } });
      expect(record).toMatchObject({ status: 'succeeded', outcome: { stderr: { bytes: 0 } } });
      expect(outputOf(await eventsOf(app(), record), 'stdout').toString()).toBe('0\r\n1\r\n2\r\n');
    });
}
