import { endingOf } from '../../src/contract/ending-note.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { JsonText } from '../wire/json.ts';
import { callbackOf, takeCallback } from './callback.ts';
import { fromRecord, readJobRecord, writeJobRecord } from './job-record.ts';
import { kickOff } from './kickoff.ts';
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
}

/** Go on with a job that an earlier server started. What comes meanwhile waits until all that it wrote is read. */
export async function recoverJob(tools: JobTools): Promise<RunnerOutcome> {
  const earlier = readEarlier(tools);
  tools.ctx.offer({ callback: (body) => earlier.then(() => takeCallback(tools, body)) });
  const { ending, heard } = await earlier;
  return ending ?? attend(tools, (stop) => resumeWatch(tools, stop, heard));
}

async function readEarlier({ ctx, place }: JobTools): Promise<Earlier> {
  const earlier: Earlier = { ending: null, heard: null };
  await ctx.resumeOutput((note) => {
    earlier.ending = endingOf(note) ?? earlier.ending;
    earlier.heard = callbackOf(note) ?? earlier.heard;
    place.recall(note);
  });
  place.resume();
  return earlier;
}

async function resumeWatch(tools: JobTools, stop: JobStop, heard: string | null): Promise<Places | null> {
  const { ctx, job } = tools;
  const record = readJobRecord(ctx.directory);
  if (record !== null) job.resume(record);
  if (heard !== null && job.hear(new JsonText(heard))) {
    job.wasTaken();
    return record && { poll: null, stream: fromRecord(record.stream) };
  }
  if (record === null) return kickOffAgain(tools, stop);
  job.wasTaken();
  ctx.outlives();
  const { poll, stream } = record;
  job.remember = (facts) => writeJobRecord(ctx.directory, { ...facts, poll, stream });
  if (poll === null) ctx.goesOn();
  return { poll: fromRecord(poll), stream: fromRecord(stream) };
}

/** Nobody knows whether the kickoff arrived: only a backend that knows it again may get it twice. */
async function kickOffAgain(tools: JobTools, stop: JobStop): Promise<Places | null> {
  const { ctx, job } = tools;
  job.wasSent();
  if (ctx.spec.idempotency_header !== undefined) {
    ctx.goesOn();
    ctx.outlives();
    return kickOff(tools, stop, { again: true });
  }
  fail(tools, 'the server that ran it is gone, and it is not known whether the backend took the job');
  return null;
}
