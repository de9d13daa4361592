import { hostname } from 'node:os';
import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { readTraceparent, type TraceContext, writeTraceparent } from '../documents/trace-context.ts';
import { masked } from '../outbound/masking.ts';
import type { SecretForm } from '../outbound/secret-forms.ts';
import { afterMs } from '../platform/timer.ts';
import { Delivery, type DeliveryTools } from './delivery.ts';
import { idsOf } from './ids.ts';
import type { TraceSettings } from './settings.ts';
import { type SpanFacts, spansOf } from './spans.ts';
import type { EndedRun, Ending, TracedRun, Traces } from './traced-run.ts';
import { contextBefore } from './untraced.ts';

export interface SdkParts extends Omit<DeliveryTools, 'most'> {
  settings: TraceSettings;
  version: string;
  /** Of the data directory. */
  key: Buffer;
  /** Of all that is in no span. */
  secrets: readonly SecretForm[];
}

/** What waits when the server stops has so long to arrive. */
const CLOSE_MS = 3000;
/** Of a text in a span, characters. */
const MOST_TEXT = 1024;

/** By the SDK of OpenTelemetry, which is loaded with this file. */
export class SdkTraces implements Traces {
  readonly #parts: SdkParts;
  readonly #sampler: Sampler;
  readonly #ids = new GivenIds();
  readonly #delivery: Delivery;
  readonly #provider: TracerProvider;

  constructor(parts: SdkParts) {
    const { settings, version } = parts;
    const { queue, resource, sampler } = settings;
    this.#parts = parts;
    this.#sampler = samplerOf(sampler);
    this.#delivery = new Delivery(exporterOf(settings), { ...parts, most: queue.spans });
    const own = { 'service.version': version, 'host.name': hostname(), 'process.pid': process.pid };
    this.#provider = new TracerProvider({
      sampler: this.#sampler,
      idGenerator: this.#ids,
      resource: defaultResource().merge(resourceFromAttributes({ ...own, ...resource })),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: this.#delivery,
          maxQueueSize: queue.spans,
          maxExportBatchSize: queue.batch,
          scheduledDelayMillis: queue.delayMs,
        }),
      ],
    });
  }

  contextOf(run: TracedRun): TraceContext {
    const before = contextBefore(run);
    const parent = parentOf(before);
    const own = idsOf(run, this.#parts.key);
    const traceId = trace.getSpanContext(parent)?.traceId ?? own.traceId;
    const traceparent = writeTraceparent({ ...own, traceId, sampled: this.#isSampled(parent, traceId) });
    return { ...before, traceparent };
  }

  runFinished(run: EndedRun, ending: Ending): void {
    const parent = parentOf(contextBefore(run));
    const own = idsOf(run, this.#parts.key);
    if (!this.#isSampled(parent, trace.getSpanContext(parent)?.traceId ?? own.traceId)) return;
    const facts = spansOf(run, ending);
    if (!this.#delivery.admit(1 + facts.below.length)) return;
    this.#ids.next = own;
    const whole = this.#begin(facts.run, SpanKind.CONSUMER, parent);
    this.#ids.next = null;
    const inside = trace.setSpan(parent, whole);
    for (const below of facts.below) {
      const kind = below.calls ? SpanKind.CLIENT : SpanKind.INTERNAL;
      this.#end(this.#begin(below, kind, inside), below);
    }
    this.#end(whole, facts.run);
  }

  async close(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const stop = afterMs(CLOSE_MS, late.resolve);
    await Promise.race([this.#provider.shutdown().catch(() => {}), late.promise]);
    stop();
    this.#delivery.giveUp();
  }

  #isSampled(parent: Context, traceId: string): boolean {
    const { decision } = this.#sampler.shouldSample(parent, traceId, '', SpanKind.CONSUMER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  }

  #begin({ name, span: [startTime] }: SpanFacts, kind: SpanKind, parent: Context): Span {
    const { version } = this.#parts;
    return this.#provider.getTracer('runwire', version).startSpan(name, { kind, startTime }, parent);
  }

  #end(span: Span, { span: [, to], attributes, events, error }: SpanFacts): void {
    for (const [name, value] of Object.entries(attributes))
      span.setAttribute(name, typeof value === 'string' ? this.#told(value) : value);
    for (const event of events) span.addEvent(event.name, event.attributes, event.at);
    if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: this.#told(error) });
    span.end(to);
  }

  /** Cut before it is masked, a secret could be told in part. */
  #told(text: string): string {
    const { secrets } = this.#parts;
    const shown = secrets.length === 0 ? text : masked(text, secrets);
    return shown.length > MOST_TEXT ? `${shown.slice(0, MOST_TEXT)}…` : shown;
  }
}

/** A run has its own; the spans below it, which nobody else names, have random ones. */
class GivenIds extends RandomIdGenerator {
  next: { traceId: string; spanId: string } | null = null;
  override generateTraceId = (): string => this.next?.traceId ?? random.generateTraceId();
  override generateSpanId = (): string => this.next?.spanId ?? random.generateSpanId();
}
const random = new RandomIdGenerator();

function parentOf({ traceparent, tracestate }: TraceContext): Context {
  const known = readTraceparent(traceparent);
  if (known === null) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = known;
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...{ traceId, spanId, isRemote: true },
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  });
}

function samplerOf({ name, ratio }: TraceSettings['sampler']): Sampler {
  const root = name.endsWith('always_off')
    ? new AlwaysOffSampler()
    : name.endsWith('traceidratio')
      ? new TraceIdRatioBasedSampler(ratio)
      : new AlwaysOnSampler();
  return name.startsWith('parentbased') ? new ParentBasedSampler({ root }) : root;
}

function exporterOf({ url, protocol, headers, compression, timeoutMs, tls }: TraceSettings) {
  const Exporter = protocol === 'http/json' ? JsonExporter : ProtobufExporter;
  return new Exporter({
    ...{ url, headers, timeoutMillis: timeoutMs },
    // biome-ignore lint/suspicious/noExplicitAny: the name of an enum whose package is not ours to import
    compression: compression as any,
    httpAgentOptions: { keepAlive: true, ...tls },
  });
}
