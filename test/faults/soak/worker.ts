import { setTimeout as sleep } from 'node:timers/promises';
import type { Claimed, ClaimState } from '../../../src/documents/claim.ts';
import type { Stream } from '../../../src/documents/stream.ts';
import { LEASE_SECONDS } from './invocation.ts';
import type { Plan } from './plan.ts';
import { bytesOf } from './program.ts';
import { type Breaks, insist, postJson } from './request.ts';

const PIECE_BYTES = 48 * 1024;
/** A worker says something at least so often. */
const LONGEST_SILENCE_MS = 1000;

export interface Workers {
  /** Claims that were answered. */
  claims: number;
  /** Claims that a living worker lost, in words. */
  lost: string[];
  end(): Promise<void>;
}

/** So many workers of manual runs, each of which does what the plan of its run says. */
export function startWorkers(url: string, plans: readonly Plan[], breaks: Breaks, count: number): Workers {
  let ended = false;
  const workers = { claims: 0, lost: [] as string[] };
  const labour = async (): Promise<void> => {
    while (!ended) {
      const claimed = await claim(url, breaks);
      if (claimed === null) continue;
      workers.claims++;
      const plan = plans[Number(claimed.invocation.metadata.soak)];
      if (plan === undefined) throw new Error(`no plan for ${claimed.invocation.invocation_id}`);
      const lost = await new Labour(url, claimed, plan, breaks).all();
      if (lost !== null) workers.lost.push(lost);
    }
  };
  const all = Promise.all(Array.from({ length: count }, labour));
  all.catch(() => {}); // told at the end
  return Object.assign(workers, {
    async end() {
      ended = true;
      await all;
    },
  });
}

/** Null: there was none, or the answer did not come. */
async function claim(url: string, breaks: Breaks): Promise<Claimed | null> {
  try {
    const asked = postJson({ wait_seconds: 1, lease_seconds: LEASE_SECONDS });
    const response = await fetch(`${url}/manual/claims`, asked);
    const text = await response.text();
    if (response.status === 204) return null;
    if (response.status !== 200) throw new Error(`claim: ${response.status}: ${text}`);
    return JSON.parse(text) as Claimed;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    breaks.claims++;
    await sleep(50);
    return null;
  }
}

/** The run ended otherwise, or it is to be ended. */
class Over extends Error {}

/** One claimed run, from the first step to the completion. */
class Labour {
  readonly #url: string;
  readonly #claimed: Claimed;
  readonly #plan: Plan;
  readonly #breaks: Breaks;
  readonly #sent: Record<Stream, number> = { stdout: 0, stderr: 0 };
  #lost: string | null = null;
  #cancelled = false;

  constructor(url: string, claimed: Claimed, plan: Plan, breaks: Breaks) {
    this.#url = url;
    this.#claimed = claimed;
    this.#plan = plan;
    this.#breaks = breaks;
  }

  /** Returns how its claim was lost, in words, or null. */
  async all(): Promise<string | null> {
    try {
      for (const { name, bytes } of this.#plan.files) await this.#put(name, bytes);
      for (const step of this.#plan.steps) {
        if (this.#cancelled) break;
        if (step.do === 'pause') await this.#pause(step.ms);
        else await this.#write(step.stream, bytesOf(step));
      }
      const code = 'code' in this.#plan.end ? this.#plan.end.code : 1;
      const status = this.#cancelled ? 'cancelled' : code === 0 ? 'succeeded' : 'failed';
      await this.#ask('POST', 'completion', { status, exit_code: this.#cancelled ? null : code });
    } catch (error) {
      if (!(error instanceof Over)) throw error;
    }
    return this.#lost;
  }

  async #write(stream: Stream, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#cancelled; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      // A batch that is sent again after a crash counts once: its offset says so.
      const event = { type: stream, offset: this.#sent[stream], base64: piece.toString('base64') };
      await this.#report('events', [event]);
      this.#sent[stream] += piece.length;
    }
  }

  async #pause(ms: number): Promise<void> {
    const end = performance.now() + ms;
    for (let left = ms; left > 0 && !this.#cancelled; left = end - performance.now()) {
      const waitSeconds = Math.min(left, LONGEST_SILENCE_MS) / 1000;
      await this.#report('heartbeat', { wait_seconds: waitSeconds });
    }
  }

  async #report(what: 'events' | 'heartbeat', body: unknown): Promise<void> {
    const { cancel_requested } = JSON.parse(await this.#ask('POST', what, body)) as ClaimState;
    this.#cancelled = cancel_requested;
  }

  async #put(name: string, bytes: Buffer): Promise<void> {
    await this.#ask('PUT', `artifacts/${name}`, new Uint8Array(bytes));
  }

  async #ask(method: string, path: string, body: unknown): Promise<string> {
    const { claim, invocation } = this.#claimed;
    const authorization = `Bearer ${claim.token}`;
    const raw = body instanceof Uint8Array;
    const init: RequestInit = raw
      ? {
          method,
          body: body as Uint8Array<ArrayBuffer>,
          headers: { authorization, 'content-type': 'application/octet-stream' },
        }
      : { ...postJson(body, { authorization }), method };
    const address = `${this.#url}/invocations/${invocation.invocation_id}/${path}`;
    const { response, text } = await insist(address, init, this.#breaks);
    if (response.ok) return text;
    if (response.status !== 409) throw new Error(`${path}: ${response.status}: ${text}`);
    const { code } = JSON.parse(text) as { code: string };
    if (code !== 'not_running') this.#lost = `${invocation.invocation_id}, attempt ${claim.attempt}: ${text}`;
    throw new Over(text);
  }
}
