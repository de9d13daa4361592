import type { Delivery } from '../documents/delivery.ts';
import type { AddressGuard } from '../outbound/address-guard.ts';
import { AddressDenied } from '../outbound/address-guard.ts';
import { webhookHeaders } from '../outbound/signature.ts';
import { postWebhook } from '../outbound/signed-post.ts';
import { longestMs } from '../platform/backoff.ts';
import { codeOf } from '../platform/error-words.ts';
import { parseJson } from '../platform/json-parse.ts';
import { afterMs, TooLate, within } from '../platform/timer.ts';
import type { StoredDelivery } from '../store/deliveries.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { type DeliverySchedule, delayMs, SCHEDULE } from './schedule.ts';

export interface DeliveriesOptions {
  store: Pick<InvocationStore, 'committed' | 'delivery' | 'pendingDeliveries' | 'setDelivery'>;
  guard: AddressGuard;
  log: { info(facts: object, message: string): void; warn(facts: object, message: string): void };
  /** POSTs at the same time. */
  concurrency?: number;
  /** For one attempt, from the name's lookup to the end of the answer. */
  timeoutMs?: number;
  schedule?: DeliverySchedule;
}

export interface Deliveries {
  /** The run has finished, its result is written, and it has `options.on_finish`. */
  start(id: string): void;
  /** Recover what an earlier server left, each when it is due. Called once. */
  resume(): number;
  /** Begin no attempt; give those under way `graceMs`, then break them off: they are made again after a restart. */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Results on their way to `options.on_finish.url`, at least once each. Between attempts only an id and a
 * timer are held; result and secret are read from the store for each attempt.
 */
export function startDeliveries(options: DeliveriesOptions): Deliveries {
  const { store, guard, log, concurrency = 16, timeoutMs = 15_000, schedule = SCHEDULE } = options;
  const timers = new Map<string, () => void>();
  const due: string[] = [];
  const underWay = new Set<Promise<void>>();
  const breakOff = new AbortController();
  let stopped = false;

  const wait = (id: string, ms: number): void => {
    if (stopped) return;
    timers.get(id)?.();
    timers.set(
      id,
      afterMs(ms, () => {
        timers.delete(id);
        due.push(id);
        next();
      }),
    );
  };

  const next = (): void => {
    while (!stopped && underWay.size < concurrency) {
      const id = due.shift();
      if (id === undefined) return;
      const attempt = deliver(id)
        .catch((error: unknown) =>
          log.warn({ invocation_id: id, error: String(error) }, 'delivery not recorded'),
        )
        .then(() => {
          underWay.delete(attempt);
          next();
        });
      underWay.add(attempt);
    }
  };

  const deliver = async (id: string): Promise<void> => {
    const stored = store.delivery(id);
    if (stored === undefined) return; // deleted meanwhile
    const before = parseJson(stored.delivery) as Delivery;
    if (before.state !== 'pending') return;
    const attempt = await post(stored, before.url);
    if (attempt === undefined) return;
    const attempts = before.attempts + 1;
    const state = attempt.done ?? (attempts < schedule.attempts ? 'pending' : 'failed');
    const ms = state === 'pending' ? delayMs(schedule, attempts, attempt.retryAfter, Date.now()) : null;
    const after: Delivery = {
      url: before.url,
      state,
      attempts,
      last_status: attempt.status,
      last_error: attempt.error,
      next_attempt_at: ms === null ? null : new Date(Date.now() + ms).toISOString(),
    };
    if (ms !== null) wait(id, ms);
    const { last_status, last_error, next_attempt_at } = after;
    log[attempt.error === null ? 'info' : 'warn'](
      { invocation_id: id, state, attempts, last_status, last_error, next_attempt_at },
      'result delivery',
    );
    store.setDelivery(id, JSON.stringify(after), state !== 'pending');
    await store.committed();
  };

  /** Undefined: broken off by stop(), which is no attempt. */
  const post = async (stored: StoredDelivery, url: string): Promise<Attempt | undefined> => {
    const { signal, done } = within(timeoutMs, breakOff.signal);
    try {
      const { status, retryAfter } = await postWebhook({
        url,
        headers: webhookHeaders(stored, stored.secret, stored.result, Date.now()),
        body: stored.result,
        guard,
        signal,
      });
      if (status >= 200 && status < 300) return { done: 'delivered', status, error: null };
      const error = `answered ${status}`;
      return { done: status === 410 ? 'failed' : null, status, error, retryAfter };
    } catch (error) {
      if (breakOff.signal.aborted) return undefined;
      if (error instanceof AddressDenied) return { done: 'failed', status: null, error: error.message };
      const words = error instanceof TooLate ? `no answer within ${timeoutMs / 1000} s` : networkWords(error);
      return { done: null, status: null, error: words };
    } finally {
      done();
    }
  };

  return {
    start(id) {
      store.committed().then(
        () => wait(id, 0),
        () => {}, // the result is not stored, so there is none to deliver
      );
    },
    resume() {
      const pending = store.pendingDeliveries();
      for (const { id, delivery } of pending) {
        const { next_attempt_at } = parseJson(delivery) as Delivery;
        const ms = next_attempt_at === null ? 0 : Date.parse(next_attempt_at) - Date.now();
        wait(id, Math.min(Math.max(0, ms), longestMs(schedule))); // a clock that was set back makes it no later
      }
      return pending.length;
    },
    async stop(graceMs = 2000) {
      stopped = true;
      for (const cancel of timers.values()) cancel();
      timers.clear();
      const cancel = afterMs(graceMs, () => breakOff.abort());
      await Promise.all(underWay);
      cancel();
    },
  };
}

interface Attempt {
  /** The state after which no attempt is made; null: may be tried again. */
  done: 'delivered' | 'failed' | null;
  status: number | null;
  error: string | null;
  retryAfter?: readonly string[] | undefined;
}

/** Node's code (ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED …): its words may repeat parts of the request. */
function networkWords(error: unknown): string {
  const code = codeOf(error);
  return code === undefined ? 'request failed' : `request failed: ${code}`;
}
