import { z } from 'zod';

const Text = z.string().refine((value) => !value.includes('\0'), {
  error: 'must not contain a NUL character',
});
const Argv = z.array(Text).min(1);

/** What an environment runs where an invocation of it says no command. */
export const Entry = z.strictObject({
  command: Argv.describe('argv; no shell'),
  agent_command: Argv.optional().describe('Instead of it, where the run is no evaluation'),
  file: Text.min(1).optional().describe('One more argument of both, the last'),
});
export type Entry = z.infer<typeof Entry>;

/** argv of a run. */
export function commandOf({ command, agent_command, file }: Entry, isEvaluation: boolean): string[] {
  const words = isEvaluation ? command : (agent_command ?? command);
  return file === undefined ? words : [...words, file];
}
