import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';
import { supervisorOf } from '../helpers/processes.ts';
import { requires } from '../helpers/require.ts';
import { Worker } from '../helpers/worker.ts';

const PRELOAD = fileURLToPath(new URL('./clock-shift.ts', import.meta.url));
const HOUR = 3_600_000;
/** A deadline, s; and what a step in the midst of it would make of it is hours away. */
const SOON_S = 4;

/** A server and a supervisor whose wall clock a test can set. */
class ClockServer extends CrashingServer {
  readonly #place: string;
  #shift = 0;

  constructor(variables: Record<string, string> = {}) {
    const place = mkdtempSync(join(tmpdir(), 'runwire-clock-'));
    super({
      NODE_OPTIONS: `--import ${PRELOAD}`,
      CLOCK_FILE: join(place, 'shift'),
      RUNWIRE_HTTP_ALLOW: '127.0.0.1',
      ...variables,
    });
    this.#place = place;
    this.#write();
  }

  /** Set the clock by so many ms, in both processes. */
  async set(ms: number): Promise<void> {
    this.#shift += ms;
    this.#write();
    for (const pid of [this.pid, supervisorOf(this.dataDir)]) process.kill(pid, 'SIGUSR2');
    await expect.poll(() => this.#isSet(), { timeout: 10_000 }).toBe(true);
  }

  /** The same while nobody looks. */
  setUnseen(ms: number): void {
    this.#shift += ms;
    this.#write();
  }

  async #isSet(): Promise<boolean> {
    const { created_at } = await this.record(await this.run({ runtime_kind: 'none of ours' }));
    return Math.abs(Date.parse(created_at) - (Date.now() + this.#shift)) < 60_000;
  }

  #write(): void {
    writeFileSync(join(this.#place, 'shift'), String(this.#shift));
  }

  async run(invocation: object): Promise<string> {
    const answer = await this.post('/invocations', { runtime_kind: 'subprocess', ...invocation });
    const { invocation: made } = (await answer.json()) as RunRecord;
    return made.invocation_id;
  }

  async record(id: string, wait = 0): Promise<RunRecord> {
    return (await (await fetch(`${this.url}/invocations/${id}?wait=${wait}`)).json()) as RunRecord;
  }

  override async end(): Promise<void> {
    await super.end();
    rmSync(this.#place, { recursive: true, force: true });
  }
}

const asleep = ['sleep', '600'];
/** Says something every 200 ms. */
const talking = ['sh', '-c', 'while sleep 0.2; do echo on; done'];
/** A receiver that takes the second try. */
const tries: number[] = [];
const receiver = createServer((request, response) => {
  tries.push(performance.now());
  request.resume();
  response.statusCode = tries.length === 1 ? 503 : 204;
  response.end();
});

requires('linux')('A wall clock that is set by hours while runs go on', () => {
  beforeAll(async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    receiver.closeAllConnections();
    receiver.close();
  });

  describe.each([
    ['forward', 5 * HOUR],
    ['back', -5 * HOUR],
  ])('%s', (_way, step) => {
    const server = new ClockServer({ RUNWIRE_MAX_CONCURRENT: '8' });
    beforeAll(() => server.start());
    afterAll(() => server.end());

    test('no timeout comes early, late or never, and no time of a record is before the one it follows', async () => {
      tries.length = 0;
      const { port } = receiver.address() as AddressInfo;
      const began = performance.now();
      const ids = {
        run: await server.run({ command: asleep, timeout_seconds: SOON_S }),
        idle: await server.run({ command: asleep, options: { idle_timeout_seconds: SOON_S } }),
        talking: await server.run({ command: talking, options: { idle_timeout_seconds: SOON_S } }),
        grace: await server.run({
          command: ['sh', '-c', 'trap "" TERM; while true; do sleep 0.1; done'],
          timeout_seconds: 1,
          options: { kill_grace_seconds: SOON_S - 1 },
        }),
        delivered: await server.run({
          command: ['true'],
          options: { on_finish: { url: `http://127.0.0.1:${port}/` } },
        }),
        unclaimed: await server.run({
          runtime_kind: 'manual',
          runtime_name: 'nobody',
          options: { queue_timeout_seconds: SOON_S },
        }),
        claimed: await server.run({
          runtime_kind: 'manual',
          runtime_name: 'mine',
          options: { manual: { lease_seconds: SOON_S, max_attempts: 1 } },
        }),
      };
      await server.record(ids.delivered, 20);
      await expect.poll(() => tries.length, { timeout: 20_000 }).toBe(1);
      const worker = await Worker.sure(server.url, { runtime_name: 'mine', lease_seconds: SOON_S });
      // All places are taken, and some wait before it for those that become free.
      const filler = await Promise.all(Array.from({ length: 8 }, () => server.run({ command: asleep })));
      const queued = await server.run({ command: asleep, options: { queue_timeout_seconds: SOON_S } });
      await server.set(step);
      // A server that took the step for time gone by would act now.
      await sleep(1000);
      const early = performance.now() - began < SOON_S * 1000;
      if (early)
        for (const id of [ids.run, ids.idle, ids.talking, ids.unclaimed, ids.claimed, queued])
          expect((await server.record(id)).result, id).toBeNull();
      expect((await worker.heartbeat()).status).toBe(200);
      const renewed = performance.now();
      await server.set(-step / 2);

      const finished = async (id: string): Promise<RunRecord> => {
        const record = await server.record(id, 60);
        expect(record.result, JSON.stringify(record)).not.toBeNull();
        const times = [record.created_at, record.started_at, record.finished_at].flatMap((time) =>
          time === null ? [] : [Date.parse(time)],
        );
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(record.result?.finished_at).toBe(record.finished_at);
        return record;
      };
      for (const [id, reason] of [
        [ids.run, 'run'],
        [ids.idle, 'idle'],
        [ids.unclaimed, 'queue'],
        [queued, 'queue'],
      ] as const) {
        const { status, outcome } = await finished(id);
        expect([status, outcome?.timeout_reason]).toEqual(['timed_out', reason]);
      }
      const stubborn = await finished(ids.grace);
      expect(stubborn.outcome?.kill).toEqual({ signals: ['SIGTERM', 'SIGKILL'], survivors: 0 });
      expect(stubborn.outcome?.timings.run_ms).toBeGreaterThan((SOON_S - 0.5) * 1000);
      expect(stubborn.outcome?.timings.run_ms).toBeLessThan(60_000);
      const lost = await finished(ids.claimed);
      expect(lost.result?.error_summary).toContain('lease');
      expect(performance.now() - renewed).toBeGreaterThan((SOON_S - 0.5) * 1000);
      // What said something all the time is not idle.
      expect((await server.record(ids.talking)).status).toBe('running');
      await expect.poll(() => tries.length, { timeout: 30_000 }).toBe(2);
      const [first = 0, second = 0] = tries;
      expect(second - first).toBeGreaterThan(4500);
      for (const id of [ids.talking, ...filler])
        await server.post(`/invocations/${id}/cancel`, { grace_seconds: 0 });
      await Promise.all([ids.talking, ...filler].map(finished));
      expect(performance.now() - began).toBeLessThan(120_000);
    }, 180_000);
  });

  test('set back while no server lives, it gives a run no more time than it had at first', async () => {
    const server = new ClockServer();
    try {
      await server.start();
      const id = await server.run({ command: asleep, timeout_seconds: SOON_S });
      const manual = await server.run({ runtime_kind: 'manual', options: { queue_timeout_seconds: SOON_S } });
      await server.crash();
      server.setUnseen(-5 * HOUR);
      await server.start();
      for (const one of [id, manual]) {
        const record = await server.record(one, 60);
        expect(record.status).toBe('timed_out');
        expect(Date.parse(record.finished_at ?? '')).toBeGreaterThanOrEqual(
          Date.parse(record.started_at ?? ''),
        );
      }
    } finally {
      await server.end();
    }
  }, 120_000);

  test('set forward while no server lives, it counts as time gone by', async () => {
    const server = new ClockServer();
    try {
      await server.start();
      const id = await server.run({ command: asleep, timeout_seconds: 3600 });
      await server.crash();
      server.setUnseen(5 * HOUR);
      await server.start();
      expect((await server.record(id, 60)).status).toBe('timed_out');
    } finally {
      await server.end();
    }
  }, 120_000);
});
