import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { inNamespace } from '../../helpers/network-namespace.ts';
import { requires } from '../../helpers/require.ts';
import type { VanishedReport } from './vanished.ts';

const VANISHED = fileURLToPath(new URL('./vanished.ts', import.meta.url));

requires('netns')('Clients whose machine vanishes without a word', () => {
  test('are noticed, whether anything is to be sent to them or not, and those beside them stay', async () => {
    const report = await inNamespace<VanishedReport>(VANISHED);
    expect(report).toMatchObject({ before: 7, after: 0, openStreams: '4', claimed: 200 });
    expect(Object.values(report.stayed)).toEqual([true, true, true, true, true]);
    const { idle, open, after } = report.descriptors;
    expect(open - idle).toBeGreaterThanOrEqual(12);
    expect(after - idle).toBeLessThanOrEqual(4);
  }, 180_000);
});
