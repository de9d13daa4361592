import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Outcome } from '../../../src/documents/outcome.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { expectInvariants, expectUnchanged, type Final, type Witness } from '../invariants.ts';
import type { KillOrder } from '../kill-at/order.ts';
import { FollowingClient } from './client.ts';
import { WalkedServer } from './server.ts';

export interface Step {
  /** See kill-at-server.ts and kill-at-supervisor.ts. */
  point: string;
  nth?: number;
  /** Server and supervisor die together. */
  both?: boolean;
  /** What the table says, when the point alone does not. */
  said?: string;
  /** Without invocation_id. */
  body: object;
  wrote?: Witness['wrote'];
  /** Before the run is sent. */
  prepare?: () => Promise<unknown>;
  /** What else is done to the run so that the point is reached. */
  act?: (id: string, client: FollowingClient) => Promise<unknown>;
  /** With no server alive. */
  meanwhile?: () => Promise<unknown>;
  /** Where the next server is killed too, before it listens. */
  again?: KillOrder;
  /** When the server lives again and the run may still go on. */
  later?: (id: string) => Promise<unknown>;
  /** `absent`: nobody was told that it was accepted, and nobody knows it. Else facts of its record. */
  expected: 'absent' | { status: string; outcome?: Facts; result?: object };
}

type Facts = Partial<Omit<Outcome, 'setup'>> & { setup?: readonly object[] };

/** Points that are tried one after the other on one data directory: every start recovers what the last kill left. */
export class Walk {
  readonly server: WalkedServer;
  /** Told of every point and of what became of the run. */
  onTried: (point: string, outcome: string) => void = () => {};
  readonly #name = `walk-${randomUUID().slice(0, 8)}`;
  #steps = 0;
  #previous: Final | null = null;

  constructor(variables: Record<string, string>) {
    this.server = new WalkedServer(variables);
  }

  newId(): string {
    return `${this.#name}-${++this.#steps}`;
  }

  /** Kill at the point, start again, and see that the run is what it must be, and the one before what it was. */
  async step({ point, nth = 1, both = false, body, wrote, expected, ...step }: Step): Promise<Final> {
    const { server } = this;
    await server.startUnlessUp();
    await step.prepare?.();
    const id = this.newId();
    const invocation = { invocation_id: id, ...body };
    const client = new FollowingClient(id);
    const { url } = server;
    await server.atRest();
    server.killAt({ point, nth }, both);
    const accepted = server.post('/invocations', invocation).then(
      ({ status }) => status,
      () => null, // it died before it answered
    );
    const followed = accepted.then((status) => (status === 202 ? client.follow(url) : undefined));
    const acted = step.act?.(id, client);
    await server.killed();
    await acted;
    const answer = await accepted;
    if (answer !== null) expect(answer).toBe(202);
    await step.meanwhile?.();
    if (step.again) await server.startToDie(step.again);
    await server.startUnlessUp();
    await this.expectPreviousUnchanged();
    if (expected === 'absent') await this.#expectAbsent(id, invocation, answer);
    await step.later?.(id);
    await Promise.all([followed, client.follow(server.url)]);
    const final = await expectInvariants({
      url: server.url,
      id,
      body: invocation,
      seen: [client.lines],
      ...(wrote && { wrote }),
    });
    expect(client.lines, 'what the client has that resumed').toHaveLength(final.lines.length);
    if (expected !== 'absent') expect(final.record).toMatchObject(expected);
    const said = step.said ?? (both ? `${point} (both)` : point);
    this.onTried(said, expected === 'absent' ? 'absent; nobody was told of it' : wordsOf(final.record));
    this.remember(final);
    return final;
  }

  /** It was not told to be accepted, is unknown, and is a new run when it is sent again. */
  async #expectAbsent(id: string, invocation: object, answer: number | null): Promise<void> {
    const { server } = this;
    expect(answer, 'the answer of what is absent later').toBeNull();
    expect((await fetch(`${server.url}/invocations/${id}`)).status, 'absent').toBe(404);
    const again = await server.post('/invocations', invocation);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null]);
  }

  /** Looked at again after the next restart. */
  remember(final: Final | null): void {
    this.#previous = final;
  }

  async expectPreviousUnchanged(): Promise<void> {
    if (this.#previous !== null) await expectUnchanged(this.server.url, this.#previous);
  }
}

function wordsOf({ status, result, outcome }: RunRecord): string {
  const exit = outcome?.exit_code === null ? '' : `, exit code ${outcome?.exit_code}`;
  return `${status}, ${outcome?.ended}${exit}${result?.error_summary ? ` (${result.error_summary})` : ''}`;
}
