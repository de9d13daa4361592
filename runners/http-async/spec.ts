import { z } from 'zod';
import { Rejected } from '../../src/contract/outcome.ts';
import { AddressText } from '../../src/documents/call-url.ts';
import { checkHeaderNames, checkSpec, type NamedHeader, requestFields } from '../wire/spec.ts';

const Path = z.string().min(1);
const Template = AddressText.min(1);
const States = z.array(z.string().min(1));
const Seconds = z.number().nonnegative().max(86_400);

const asyncFields = {
  poll_url_template: Template.optional().describe(
    'URL, or path on the host of url; {run_id} is replaced. Absent: Location of the kickoff',
  ),
  poll_run_id_path: Path.optional().describe('Where the kickoff’s answer has the run id: data.runs.0.id'),
  poll_status_path: Path.optional().describe('Where answers have the state'),
  poll_terminal_states: States.optional(),
  poll_success_states: States.optional().describe('Default: completed'),
  poll_interval_seconds: Seconds.optional().describe('Default 2.0; the first poll is made at once'),
  poll_timeout_seconds: Seconds.optional().describe(
    'For one poll; default 60. A late one is a transient error',
  ),
  poll_pending_codes: z.array(z.number().int().min(100).max(599)).optional().describe('Poll again: 404'),
  poll_backoff: z
    .strictObject({
      initial_seconds: Seconds.optional().describe('Default: poll_interval_seconds'),
      factor: z.number().min(1).max(10).optional().describe('Default 1'),
      max_seconds: Seconds.optional().describe('Default 60, or the first wait where that is longer'),
      jitter: z.number().min(0).max(1).optional().describe('Waits grow by up to this part; default 0.1'),
    })
    .optional(),
  poll_transient_limit: z
    .number()
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe(
      'Answers in a row that say nothing of the job, and are borne: no connection, 408, 425, 429, 5xx, no JSON with a state; default 10',
    ),
  cancel: z
    .strictObject({
      url_template: Template.describe('URL, or path on the host of url; {run_id} is replaced'),
      method: z.string().optional().describe('Default POST'),
    })
    .optional()
    .describe('Called on cancel and on timeout'),
  stream_url_template: Template.optional().describe(
    'Server-sent events, followed beside polling or in its place',
  ),
  stream_url_path: Path.optional().describe('Where the kickoff’s answer may have the URL of the stream'),
  stream_output_events: States.optional().describe('Events whose data is output; default message, output'),
  stream_done_events: States.optional().describe('Events that end the stream; default done'),
  callback: z
    .strictObject({
      header: Path.optional().describe('Kickoff header that gets the completion URL'),
      body_field: Path.optional().describe('Field of the JSON body that gets it; dotted'),
    })
    .optional(),
  idempotency_header: Path.optional().describe(
    'Kickoff header that gets the invocation id, by which the backend knows a repeat: after a crash it may be sent again',
  ),
  output_path: Path.optional().describe(
    'Where the final payload has what becomes stdout; default: all of it',
  ),
  log_path: Path.optional().describe('Where answers have a growing log, which becomes stderr'),
  error_path: Path.optional().describe('Where the final payload says what went wrong'),
};

export const HttpAsyncSpec = z
  .strictObject({
    ...requestFields,
    ...asyncFields,
    preset: Path.optional().describe('Names of presets: docs/presets.md'),
  })
  .superRefine(
    checkHeaderNames(({ callback, idempotency_header: key }) => [
      ...headerAt(callback?.header, ['callback', 'header']),
      ...headerAt(key, ['idempotency_header']),
    ]),
  );
export type HttpAsyncSpec = z.infer<typeof HttpAsyncSpec>;

const PresetSpec = z.strictObject({ ...requestFields, ...asyncFields });
/** A backend as data: any fields of the spec, which an invocation may replace one by one. */
export type Preset = z.infer<typeof PresetSpec>;

function headerAt(name: string | undefined, path: readonly string[]): NamedHeader[] {
  return name === undefined ? [] : [[name, path]];
}

/** The preset's fields, replaced by the invocation's own. Throws as checkSpec does, and for an unknown preset. */
export function completeAsyncSpec(
  given: Readonly<Record<string, unknown>>,
  presets: Readonly<Record<string, Preset>>,
): HttpAsyncSpec {
  const { preset } = checkSpec(HttpAsyncSpec, given, 'http_async');
  if (preset === undefined) return checkSpec(HttpAsyncSpec, given, 'http_async');
  if (!Object.hasOwn(presets, preset))
    throw new Rejected(`http.preset: there is no preset ${JSON.stringify(preset)}`);
  return checkSpec(HttpAsyncSpec, { ...presets[preset], ...given }, 'http_async');
}

/** Names, as RxP has them, of what is needed and absent. */
export function missingFields(spec: HttpAsyncSpec): string[] {
  const needed = {
    url: true,
    poll_status_path: true,
    poll_terminal_states: true,
    poll_run_id_path: [spec.poll_url_template, spec.cancel?.url_template, spec.stream_url_template].some(
      (template) => template?.includes('{run_id}'),
    ),
  };
  return Object.entries(needed)
    .filter(([field, need]) => {
      const value = spec[field as keyof typeof needed];
      return need && (value === undefined || value.length === 0);
    })
    .map(([field]) => `http.${field}`);
}
