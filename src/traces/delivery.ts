import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { messageOf } from '../platform/error-words.ts';
import type { SpansEnded } from './traced-run.ts';

export interface DeliveryTools {
  /** So many spans wait at most. */
  most: number;
  log: Record<'info' | 'warn', (facts: object, words: string) => void>;
  onEnded: (how: SpansEnded, count: number) => void;
}

type Done = Parameters<SpanExporter['export']>[1];

/** Spans on their way to the collector: bounded and counted. That some are lost is said once, until some arrive again. */
export class Delivery implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #tools: DeliveryTools;
  #waiting = 0;
  /** Since the collector was last known to take any. */
  #lost = 0;

  constructor(exporter: SpanExporter, tools: DeliveryTools) {
    this.#exporter = exporter;
    this.#tools = tools;
  }

  /** Is there room for so many together. Each of them is to be exported then. */
  admit(count: number): boolean {
    const { most } = this.#tools;
    const room = this.#waiting + count <= most;
    if (room) this.#waiting += count;
    else this.#lose('dropped', count, `${most} spans wait already`);
    return room;
  }

  export(spans: ReadableSpan[], done: Done): void {
    const end: Done = ({ code, error }) => {
      this.#waiting -= spans.length;
      if (code === 0) this.#arrived(spans.length);
      else this.#lose('refused', spans.length, messageOf(error ?? 'no reason was given'));
      done({ code: 0 }); // nothing is to be done about it, nor said once more
    };
    try {
      this.#exporter.export(spans, end);
    } catch (error) {
      end({ code: 1, error: error as Error });
    }
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush?.() ?? Promise.resolve();
  }

  /** Nobody waits any longer for what has not arrived. */
  giveUp(): void {
    if (this.#waiting > 0) this.#lose('refused', this.#waiting, 'the server stops');
    this.#waiting = 0;
  }

  #arrived(count: number): void {
    this.#tools.onEnded('sent', count);
    if (this.#lost > 0) this.#tools.log.info({ lost: this.#lost }, 'traces arrive again');
    this.#lost = 0;
  }

  #lose(how: SpansEnded, count: number, reason: string): void {
    const { log, onEnded } = this.#tools;
    if (this.#lost === 0)
      log.warn(
        { reason },
        'spans are lost: /metrics counts them, and this is not said again until some arrive',
      );
    this.#lost += count;
    onEnded(how, count);
  }
}
