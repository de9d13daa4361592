import { z } from 'zod';
import type { RunOutput } from '../../src/contract/context.ts';
import { parseJson } from '../wire/json.ts';

const Note = z.object({ callback: z.string() });

/** Keep the word that ends a job before its backend is told that it was taken: it may never say it again. Throws what the storage says. */
export function noteCallback({ acknowledged }: RunOutput, text: string): void {
  acknowledged.note(JSON.stringify({ callback: text } satisfies z.infer<typeof Note>));
}

/** Null: the line is another note. */
export function callbackOf(line: string): string | null {
  const { data } = Note.safeParse(parseJson(line));
  return data?.callback ?? null;
}
