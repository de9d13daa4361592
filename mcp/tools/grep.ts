import { z } from 'zod';
import { grep } from '../output/grep.ts';
import { Span } from './facts.ts';
import { Id, MaxBytes, Phase, Stream } from './input.ts';
import { tool } from './tool.ts';

/** What is told beside the lines. */
const FACTS = 700;

export const grepTool = tool({
  name: 'grep',
  title: 'Search what a run has written',
  description:
    'Shows the lines of the output of a run that contain one of some texts (plain texts, no patterns), each with the byte at which it begins, for output.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({
    id: Id,
    texts: z
      .array(z.string().min(1).max(1000))
      .min(1)
      .max(20)
      .describe('any of them, e.g. ["error", "FAIL"]'),
    ignore_case: z.boolean().default(false).describe('of the letters a to z'),
    context: z.int().min(0).max(20).default(0).describe('lines before and after'),
    offset: z.int().min(0).default(0).describe('byte to begin at'),
    stream: Stream,
    phase: Phase,
    max_bytes: MaxBytes,
  }),
  output: z.strictObject({
    id: z.string(),
    text: z.string(),
    matches: z.int().describe('lines shown that contain one'),
    searched: Span,
    next_offset: z.int().nullable().describe('where to go on; null: all that is there was searched'),
  }),
  async act({ id, texts, ignore_case: ignoreCase, max_bytes, ...input }, { rw, signal }) {
    const room = max_bytes - FACTS;
    const found = await grep(rw.attach(id), { texts, ignoreCase, ...input, room, signal });
    const { matches, searched, next_offset: next } = found;
    const more = next === null ? 'that is all there is' : `go on with offset ${next}`;
    const head = `${matches} lines in bytes ${searched.from} to ${searched.to}; ${more}`;
    return { text: `${head}\n${found.text}`.trimEnd(), facts: { id: id.slice(0, 256), ...found } };
  },
});
