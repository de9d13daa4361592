import { z } from 'zod';
import { runLine, toldRun } from '../output/told-run.ts';
import { ToldRun } from './facts.ts';
import { Id } from './input.ts';
import { tool } from './tool.ts';

const Done = z.strictObject({ id: z.string(), done: z.string() });
const done = (id: string, words: string) => ({ text: `run ${id}: ${words}`, facts: { id, done: words } });

export const stdinTool = tool({
  name: 'stdin',
  title: 'Write to a run',
  description: 'Writes to the standard input of a run that was started with stdin_open.',
  destructive: true,
  openWorld: true,
  input: z.strictObject({
    id: Id,
    text: z.string().default('').describe('as it is: a line needs its \\n'),
    eof: z.boolean().default(false).describe('close standard input after it'),
  }),
  output: Done,
  async act({ id, text, eof }, { rw, signal }) {
    const run = rw.attach(id);
    if (text !== '') await run.writeStdin(text, { signal });
    if (eof) await run.closeStdin({ signal });
    return done(
      id,
      `${Buffer.byteLength(text)} bytes were written${eof ? ', and standard input is closed' : ''}`,
    );
  },
});

export const signalTool = tool({
  name: 'signal',
  title: 'Send a signal to a run',
  description: 'Sends a signal to all processes of a run, e.g. SIGINT. To end one for sure: cancel.',
  destructive: true,
  input: z.strictObject({ id: Id, signal: z.string().describe('e.g. SIGINT, SIGHUP, SIGUSR1') }),
  output: Done,
  async act({ id, signal: name }, { rw, signal }) {
    await rw.attach(id).signal(name, { signal });
    return done(id, `${name} was sent`);
  },
});

export const cancelTool = tool({
  name: 'cancel',
  title: 'End a run',
  description:
    'Ends a run and all that it started: asks first, and kills after grace_seconds. One that has finished stays as it is.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({
    id: Id,
    grace_seconds: z.number().min(0).max(3600).optional().describe('0: kill at once'),
  }),
  output: ToldRun,
  async act({ id, grace_seconds: graceSeconds }, { rw, signal }) {
    const facts = toldRun(await rw.attach(id).cancel({ graceSeconds, signal }));
    return { text: `${runLine(facts)}${facts.finished ? '' : '; it is being ended'}`, facts };
  },
});

export const removeTool = tool({
  name: 'remove',
  title: 'Remove a finished run',
  description:
    'Removes the record, the output and the files of a run that has finished. They are gone for good.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({ id: Id }),
  output: Done,
  async act({ id }, { rw, signal }) {
    await rw.attach(id).remove({ signal });
    return done(id, 'is removed');
  },
});
