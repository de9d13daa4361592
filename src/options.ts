import { z } from 'zod';
import { CallUrl } from './call-url.ts';

const seconds = z.number().nonnegative().max(1e9);
const positiveSeconds = z.number().positive().max(1e9);
const count = z.number().int().positive();

/** Resource limits of a process run. How each is enforced: docs/runners/subprocess.md. */
export const Limits = z.strictObject({
  cpu_seconds: count.optional().describe('CPU time of one process, whole seconds'),
  memory_bytes: count.optional().describe('Address space of one process, bytes'),
  processes: count.optional().describe('Processes and threads of the user'),
  open_files: count.optional().describe('Open file descriptors of one process'),
  file_size_bytes: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('Largest file a process may write, bytes'),
});
export type Limits = z.infer<typeof Limits>;

/** A POST of the result when the run has finished, signed as Standard Webhooks say when a secret is given. */
export const OnFinish = z.strictObject({
  url: CallUrl,
  secret: z
    .string()
    .min(1)
    .refine((secret) => !secret.startsWith('whsec_') || /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret), {
      error: 'after whsec_ must be base64',
    })
    .optional(),
});
export type OnFinish = z.infer<typeof OnFinish>;

/** The part of an invocation that RxP has no field for. All optional, refused when unknown. */
export const Options = z
  .strictObject({
    stdin: z.string().optional().describe('Text for standard input'),
    stdin_open: z.boolean().optional().describe('Standard input is fed by POST …/stdin'),
    kill_grace_seconds: seconds.optional().describe('Between SIGTERM and SIGKILL; 0 = SIGKILL at once'),
    idle_timeout_seconds: positiveSeconds.optional().describe('The run ends after so long without output'),
    queue_timeout_seconds: positiveSeconds
      .optional()
      .describe('The run ends when it has waited so long to start'),
    max_output_bytes: z.number().int().nonnegative().optional().describe('Bytes kept of each stream'),
    artifacts: z.array(z.string().min(1)).max(100).optional().describe('Globs under the working directory'),
    limits: Limits.optional(),
    on_finish: OnFinish.optional(),
    http: z.record(z.string(), z.unknown()).optional(),
    http_async: z.record(z.string(), z.unknown()).optional(),
    manual: z.record(z.string(), z.unknown()).optional(),
    docker: z.record(z.string(), z.unknown()).optional(),
  })
  .refine((o) => !(o.stdin !== undefined && o.stdin_open), {
    path: ['stdin_open'],
    error: 'stdin and stdin_open cannot both be given',
  });
export type Options = z.infer<typeof Options>;
