import { setTimeout as sleep } from 'node:timers/promises';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { idOf, invocationOf, type Surroundings } from './invocation.ts';
import type { Plan } from './plan.ts';
import { ByteReader, EventReader, follow, type Reader } from './reader.ts';
import { type Breaks, insist, postJson } from './request.ts';

/** What the clients of one run did and saw. */
export interface Story {
  plan: Plan;
  begun: boolean;
  /** Null until a POST was answered. */
  id: string | null;
  body: Record<string, unknown>;
  readers: readonly Reader[];
  /** The answers to its cancel. */
  cancelled: number | null;
  /** Of what was fed: taken by the server, and sent at all. */
  fed: { taken: number; sent: number } | null;
  /** Ids of runs that POSTs without an answer may have made beside it. */
  postsWithoutAnswer: number;
}

export interface ClientTools {
  url: string;
  around: Surroundings;
  breaks: Breaks;
}

export function newStory(plan: Plan, around: Surroundings): Story {
  const body = invocationOf(plan, around);
  return {
    plan,
    body,
    begun: false,
    id: null,
    readers: [],
    cancelled: null,
    fed: null,
    postsWithoutAnswer: 0,
  };
}

/** Start the run of a plan and do all that its clients do, over every crash, until it has finished. */
export async function live(story: Story, tools: ClientTools): Promise<void> {
  const { url, breaks } = tools;
  const readers = story.plan.readings.map((reading) =>
    reading.view === 'sse' || reading.view === 'ndjson' ? new EventReader(reading) : new ByteReader(reading),
  );
  story.readers = readers;
  story.begun = true;
  const run = `${url}/invocations/${await submit(story, tools)}`;
  await Promise.all([
    ...readers.map((reader) => follow(run, reader, breaks)),
    cancel(story, run, breaks),
    postAgain(story, tools),
    feed(story, run, breaks),
  ]);
}

/** Until it is answered. Returns the id. Where the events are asked for, the first reader begins with the answer. */
async function submit(story: Story, tools: ClientTools): Promise<string> {
  const { plan, body } = story;
  const { url, around, breaks } = tools;
  const [first] = story.readers;
  const events = plan.ask === 'events' && first instanceof EventReader ? first : null;
  const accept = events?.reading.view === 'sse' ? 'text/event-stream' : 'application/x-ndjson';
  const init = postJson(body, { ...keyOf(plan, around), ...(events && { accept }) });
  const address = `${url}/invocations${plan.ask === 'wait' ? '?wait=0.3' : ''}`;
  for (;;)
    try {
      const response = await fetch(address, init);
      if (response.status !== 200 && response.status !== 202)
        throw new Error(`POST of ${plan.n}: ${response.status}: ${await response.text()}`);
      const id = decodeURIComponent(response.headers.get('location')?.split('/').at(-1) ?? '');
      if (id === '') throw new Error(`POST of ${plan.n}: no Location`);
      story.id = id;
      if (events && response.body) await events.take(response.body).catch(broken);
      else await response.text().catch(broken);
      return id;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      if (plan.name === 'nothing') story.postsWithoutAnswer++;
      breaks.requests++;
      await sleep(50);
    }
}

function broken(error: unknown): void {
  if (!(error instanceof TypeError)) throw error;
}

function keyOf(plan: Plan, around: Surroundings): Record<string, string> {
  return plan.name === 'key' ? { 'idempotency-key': idOf(plan, around) } : {};
}

async function cancel(story: Story, run: string, breaks: Breaks): Promise<void> {
  if (story.plan.cancelAfterMs === null) return;
  await sleep(story.plan.cancelAfterMs);
  const { response, text } = await insist(`${run}/cancel`, postJson({}), breaks);
  if (response.status !== 200 && response.status !== 202)
    throw new Error(`cancel: ${response.status}: ${text}`);
  story.cancelled = response.status;
}

/** The same again is the same run. */
async function postAgain({ plan, id, body }: Story, { url, around, breaks }: ClientTools): Promise<void> {
  if (plan.againAfterMs === null || plan.name === 'nothing') return;
  await sleep(plan.againAfterMs);
  const { response, text } = await insist(`${url}/invocations`, postJson(body, keyOf(plan, around)), breaks);
  const joined = (JSON.parse(text) as RunRecord).invocation?.invocation_id;
  if (joined !== id || response.headers.get('idempotency-replayed') !== 'true')
    throw new Error(`the same POST again of ${id}: ${response.status}: ${text}`);
}

/** Feed standard input, piece by piece; what a crash broke off is not sent again, for some of it may have been taken. */
async function feed(story: Story, run: string, breaks: Breaks): Promise<void> {
  const { stdin } = story.plan;
  if (!stdin?.fed) return;
  const fed = { taken: 0, sent: 0 };
  story.fed = fed;
  for (const piece of stdin.pieces) {
    fed.sent += piece.length;
    const answer = await fedWhenItRuns(run, new Uint8Array(piece), breaks);
    if (answer === 'over') return;
    if (answer === 'broken') break;
    fed.taken = fed.sent;
    await sleep(30);
  }
  while ((await fedWhenItRuns(run, null, breaks)) === 'broken') await sleep(50);
}

/** Null: the end. A run that waits takes no input yet. */
async function fedWhenItRuns(
  run: string,
  piece: Uint8Array<ArrayBuffer> | null,
  breaks: Breaks,
): Promise<'taken' | 'broken' | 'over'> {
  for (;;)
    try {
      const response = await fetch(`${run}/stdin${piece ? '' : '?eof=true'}`, {
        method: 'POST',
        body: piece,
      });
      const text = await response.text();
      if (response.status === 204) return 'taken';
      if (response.status !== 409) throw new Error(`stdin: ${response.status}: ${text}`);
      const record = JSON.parse((await insist(run, {}, breaks)).text) as RunRecord;
      if (record.finished_at !== null) return 'over';
      await sleep(100);
    } catch (error) {
      broken(error);
      breaks.requests++;
      return 'broken';
    }
}
