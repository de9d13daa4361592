import { endingOf } from '../../src/contract/ending-note.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { JsonText } from '../wire/json.ts';
import { callbackOf, takeCallback } from './callback.ts';
import { fromRecord, readJobRecord, writeJobRecord } from './job-record.ts';
import { kickOff } from './kickoff.ts';
import { saysThatItLeft } from './kickoff-request.ts';
import type { Places } from './places.ts';
import { attend } from './run.ts';
import type { JobStop } from './stop.ts';
import { fail, type JobTools } from './tools.ts';

/** What an earlier server noted. */
interface Earlier {
  /** How it ended, where that is known. */
  ending: RunnerOutcome | null;
  /** What a callback said that ends the job. */
  heard: string | null;
  /** The kickoff went to where it is not known again. */
  left: boolean;
}

/** Go on with a job that an earlier server started. What comes meanwhile waits until all that it wrote is read. */
export async function recoverJob(tools: JobTools): Promise<RunnerOutcome> {
  const earlier = readEarlier(tools);
  tools.ctx.offer({ callback: (body) => earlier.then(() => takeCallback(tools, body)) });
  const { ending, ...known } = await earlier;
  return ending ?? attend(tools, (stop) => resumeWatch(tools, stop, known));
}

async function readEarlier({ ctx, place }: JobTools): Promise<Earlier> {
  const earlier: Earlier = { ending: null, heard: null, left: false };
  await ctx.resumeOutput((note) => {
    earlier.ending = endingOf(note) ?? earlier.ending;
    earlier.heard = callbackOf(note) ?? earlier.heard;
    earlier.left ||= saysThatItLeft(note);
    place.recall(note);
  });
  place.resume();
  return earlier;
}

async function resumeWatch(
  tools: JobTools,
  stop: JobStop,
  { heard, left }: Omit<Earlier, 'ending'>,
): Promise<Places | null> {
  const { ctx, job } = tools;
  const record = readJobRecord(ctx.directory);
  if (record !== null) job.resume(record);
  if (heard !== null && job.hear(new JsonText(heard))) {
    job.wasTaken();
    return record && { poll: null, stream: fromRecord(record.stream), callback: true };
  }
  if (record === null) return kickOffAgain(tools, stop, left);
  job.wasTaken();
  ctx.outlives();
  const { poll, stream, callback = ctx.spec.callback !== undefined } = record;
  job.remember = (facts) => writeJobRecord(ctx.directory, { ...facts, poll, stream, callback });
  if (poll === null) ctx.goesOn();
  return { poll: fromRecord(poll), stream: fromRecord(stream), callback };
}

/** Nobody knows whether the kickoff arrived: only a backend that knows it again may get it twice. */
async function kickOffAgain(tools: JobTools, stop: JobStop, left: boolean): Promise<Places | null> {
  const { ctx, job } = tools;
  job.wasSent();
  if (ctx.spec.idempotency_header !== undefined && !left) {
    ctx.goesOn();
    ctx.outlives();
    return kickOff(tools, stop, { again: true });
  }
  fail(tools, 'the server that ran it is gone, and it is not known whether the backend took the job');
  return null;
}
