import { z } from 'zod';
import { Delivery } from './delivery.ts';
import { SpecOfRun } from './environment-spec.ts';
import { Invocation } from './invocation.ts';
import { pathOf } from './invocation-id.ts';
import { Outcome } from './outcome.ts';
import { RuntimeResult, Status } from './result.ts';
import { Waiting } from './waiting.ts';

/** Where the parts of a run are, relative to the server. */
export const Links = z.strictObject({
  self: z.string(),
  invocation: z.string(),
  result: z.string(),
  events: z.string(),
  stdout: z.string(),
  stderr: z.string(),
  output: z.string(),
  artifacts: z.string(),
  cancel: z.string(),
});
export type Links = z.infer<typeof Links>;

/** What the server knows of a run. */
export const Record = z.strictObject({
  invocation: Invocation,
  runtime_kind: z.string().describe("The kind in this server's word, whatever word was sent"),
  status: Status,
  created_at: z.iso.datetime(),
  started_at: z.iso.datetime().nullable(),
  finished_at: z.iso.datetime().nullable(),
  result: RuntimeResult.nullable(),
  outcome: Outcome.nullable(),
  environment_spec: SpecOfRun.optional().describe(
    'The version of an environment spec that it was made with; absent: with none',
  ),
  waiting: Waiting.optional().describe('Why it does not begin yet; absent where it does not wait'),
  on_finish: Delivery.optional().describe('How far the POST of the result has come'),
  links: Links,
});
export type Record = z.infer<typeof Record>;

export function linksOf(id: string): Links {
  const self = pathOf(id);
  return {
    self,
    invocation: `${self}/invocation`,
    result: `${self}/result`,
    events: `${self}/events`,
    stdout: `${self}/stdout`,
    stderr: `${self}/stderr`,
    output: `${self}/output`,
    artifacts: `${self}/artifacts`,
    cancel: `${self}/cancel`,
  };
}
