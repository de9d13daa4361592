import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { z } from 'zod';
import { readConfig } from '../src/config.ts';
import type { Runner } from '../src/contract/runner.ts';
import { createService } from '../src/service.ts';

/** options.echo */
const EchoSpec = z.strictObject({
  text: z.array(z.string()).describe('What is said, one after the other'),
  times: z.number().int().positive().max(1000).default(1).describe('How often all that'),
  pause_seconds: z.number().nonnegative().max(3600).default(0).describe('After each'),
  exit_code: z.number().int().min(0).max(255).default(0),
});
type EchoSpec = z.infer<typeof EchoSpec>;

/** A runner: says what it is told to say. docs/adding-a-runner.md walks through it. */
export const echo: Runner<EchoSpec> = {
  kind: 'echo',
  aliases: ['say'],
  name: 'Echo',
  description: 'Says what it is told to say.',
  spec: EchoSpec,
  needsCommand: false,
  captures: true,
  async run({ spec, output, signal }) {
    for (let n = 0; n < spec.times; n++)
      for (const text of spec.text) {
        if (signal.aborted) break;
        output.write('stdout', Buffer.from(text));
        if (spec.pause_seconds > 0)
          await sleep(spec.pause_seconds * 1000, undefined, { signal }).catch(() => {}); // aborted: the loop sees it
      }
    const errorSummary = spec.exit_code === 0 ? null : `was told to end with ${spec.exit_code}`;
    return { ended: 'exited', started: true, retrySafe: false, exitCode: spec.exit_code, errorSummary };
  },
};

/** `node examples/runner.ts`: a server of its own that has this kind too. */
if (import.meta.main) {
  const { config } = readConfig(process.env);
  const log = pino({ level: config.logLevel });
  const runners = [echo as Runner];
  const { app, engine, close } = await createService({ config, environment: process.env, log, runners });
  const stop = async (): Promise<void> => {
    await engine.cancelAll();
    await close('quit');
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
  process.stdout.write(`Runwire listens on ${await app.listen({ host: config.host, port: config.port })}\n`);
}
