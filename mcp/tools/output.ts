import { z } from 'zod';
import { shownRun } from '../output/shown-run.ts';
import { ShownRun } from './facts.ts';
import { Id, MaxBytes, Phase, Stream } from './input.ts';
import { tool } from './tool.ts';

export const outputTool = tool({
  name: 'output',
  title: 'What a run has written',
  description:
    'Shows what a run has written so far, within max_bytes: its beginning and its end where it is longer, or what follows an offset, which was left out before.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({
    id: Id,
    stream: Stream,
    part: z.enum(['ends', 'head', 'tail']).default('ends'),
    offset: z.int().min(0).optional().describe('first byte to show; goes before part'),
    phase: Phase,
    max_bytes: MaxBytes,
  }),
  output: ShownRun,
  async act({ id, stream, part, offset, phase, max_bytes }, { rw, signal }) {
    const run = rw.attach(id);
    const record = await run.refresh({ signal });
    const view = { budget: max_bytes, stream, phase, from: offset ?? part, signal };
    return { ...(await shownRun(run, record, view)), isError: false };
  },
});
