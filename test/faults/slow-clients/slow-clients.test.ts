import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { inNamespace } from '../../helpers/network-namespace.ts';
import { requires } from '../../helpers/require.ts';
import type { CrowdReport } from './crowd.ts';

const CROWD = fileURLToPath(new URL('./crowd.ts', import.meta.url));
const READERS = 1000;
const LINES = 20_000;
const LINE_BYTES = 100;

requires('netns')('A thousand readers of one run, of which every second never reads', () => {
  test('the run and the others get on, each reader has every byte, memory stays, and the stuck ones are dropped and come again', async () => {
    // The system takes little for a client that does not read: the server cannot leave it all to the system.
    const buffers = { tcp_wmem: '4096 16384 65536', tcp_rmem: '4096 16384 65536' };
    const report = await inNamespace<CrowdReport>(CROWD, [String(READERS), String(LINES)], buffers);
    expect(report.run).toEqual({ status: 'succeeded', kept: LINES * LINE_BYTES, sha256: report.sha256 });
    const [events = ''] = Object.keys(report.hashes);
    expect(report.hashes).toEqual({ [events]: READERS / 2 });
    expect(report.bytes).toBeGreaterThan((READERS / 2) * LINES * LINE_BYTES);
    expect(report.dropped).toBe(String(READERS / 2));
    expect(report.resumed).toEqual({ [events]: 6 });
    expect(report.outputSha256).toBe(report.sha256);
    expect(report.rssMb.peak - report.rssMb.before).toBeLessThan(200);
    expect(report.descriptors.peak - report.descriptors.before).toBeGreaterThan(READERS / 2);
    expect(report.descriptors.after - report.descriptors.before).toBeLessThanOrEqual(10);
  }, 240_000);
});
