import { readFileSync } from 'node:fs';
import { messageOf } from '../platform/error-words.ts';
import { keyValues } from './key-values.ts';
import { DEFAULT_SAMPLER, SAMPLERS, type SamplerName } from './samplers.ts';

/** Where spans go and how. Times in ms. */
export interface TraceSettings {
  /** With its path: …/v1/traces. */
  url: string;
  protocol: 'http/protobuf' | 'http/json';
  /** May hold a secret. */
  headers: Record<string, string>;
  compression: 'gzip' | 'none';
  timeoutMs: number;
  tls: { ca?: Buffer; cert?: Buffer; key?: Buffer };
  sampler: { name: SamplerName; ratio: number };
  queue: { spans: number; batch: number; delayMs: number };
  /** Attributes of the resource, `service.name` among them. */
  resource: Record<string, string>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const PATH = 'v1/traces';
const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

/**
 * What the variables of OpenTelemetry ask for; null: nothing. A value that is none counts as absent, with a line that
 * says so, as OpenTelemetry has it; one without which nothing can be sent has nothing sent.
 */
export function readTraceSettings(env: Environment): { settings: TraceSettings | null; warnings: string[] } {
  const variables = new Variables(env);
  const settings = isAskedFor(variables) ? settingsOf(variables) : null;
  return { settings, warnings: variables.warnings };
}

function isAskedFor(variables: Variables): boolean {
  if (variables.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return false;
  const exporters = variables.text('OTEL_TRACES_EXPORTER')?.split(/\s*,\s*/) ?? null;
  if (exporters === null) return variables.exporter('ENDPOINT') !== undefined;
  if (exporters.includes('otlp')) return true;
  if (!exporters.includes('none'))
    variables.warn('OTEL_TRACES_EXPORTER', 'must be otlp or none: no traces are sent');
  return false;
}

function settingsOf(variables: Variables): TraceSettings | null {
  const [name, protocol = PROTOCOLS[0]] = variables.exporterNamed('PROTOCOL');
  const known = PROTOCOLS.find((word) => word === protocol);
  if (known === undefined) {
    variables.warn(name, `must be ${PROTOCOLS.join(' or ')}: no traces are sent`);
    return null;
  }
  const url = urlOf(variables);
  if (url === null) return null;
  const compression = variables.exporter('COMPRESSION') === 'gzip' ? 'gzip' : 'none';
  const queue = variables.whole('OTEL_BSP_MAX_QUEUE_SIZE', 2048);
  return {
    ...{ url, protocol: known, compression },
    headers: {
      ...variables.pairs('OTEL_EXPORTER_OTLP_HEADERS'),
      ...variables.pairs('OTEL_EXPORTER_OTLP_TRACES_HEADERS'),
    },
    timeoutMs: variables.whole(variables.exporterNamed('TIMEOUT')[0], 10_000),
    tls: {
      ...variables.file('ca', 'CERTIFICATE'),
      ...variables.file('cert', 'CLIENT_CERTIFICATE'),
      ...variables.file('key', 'CLIENT_KEY'),
    },
    sampler: samplerOf(variables),
    queue: {
      spans: queue,
      batch: Math.min(queue, variables.whole('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
      delayMs: variables.whole('OTEL_BSP_SCHEDULE_DELAY', 5000),
    },
    resource: {
      'service.name': 'runwire',
      ...variables.pairs('OTEL_RESOURCE_ATTRIBUTES'),
      ...named('service.name', variables.text('OTEL_SERVICE_NAME')),
    },
  };
}

function urlOf(variables: Variables): string | null {
  const [name, text = 'http://localhost:4318'] = variables.exporterNamed('ENDPOINT');
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    variables.warn(name, 'must be an http or https URL: no traces are sent');
    return null;
  }
  // That of all signals has no path of one of them.
  if (name === 'OTEL_EXPORTER_OTLP_ENDPOINT') url.pathname = `${url.pathname.replace(/\/$/, '')}/${PATH}`;
  return url.href;
}

function samplerOf(variables: Variables): TraceSettings['sampler'] {
  const word = variables.text('OTEL_TRACES_SAMPLER');
  const name = SAMPLERS.find((known) => known === word);
  if (word !== undefined && name === undefined)
    variables.warn(
      'OTEL_TRACES_SAMPLER',
      `must be one of ${SAMPLERS.join(', ')}: ${DEFAULT_SAMPLER} is used`,
    );
  const text = variables.text('OTEL_TRACES_SAMPLER_ARG');
  const ratio = text === undefined ? 1 : Number(text);
  const isRatio = ratio >= 0 && ratio <= 1;
  if (!isRatio) variables.warn('OTEL_TRACES_SAMPLER_ARG', 'must be 0 to 1: 1 is used');
  return { name: name ?? DEFAULT_SAMPLER, ratio: isRatio ? ratio : 1 };
}

const named = (name: string, value: string | undefined): Record<string, string> =>
  value === undefined ? {} : { [name]: value };

/** Read one by one. An empty value counts as absent. */
class Variables {
  readonly warnings: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** That of traces before that of all signals, and its name. */
  exporterNamed(what: string): [name: string, value: string | undefined] {
    const own = `OTEL_EXPORTER_OTLP_TRACES_${what}`;
    const name = this.text(own) === undefined ? `OTEL_EXPORTER_OTLP_${what}` : own;
    return [name, this.text(name)];
  }

  exporter(what: string): string | undefined {
    return this.exporterNamed(what)[1];
  }

  whole(name: string, absent: number): number {
    const text = this.text(name);
    if (text === undefined) return absent;
    if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
    this.warn(name, `must be a whole number, more than 0: ${absent} is used`);
    return absent;
  }

  pairs(name: string): Record<string, string> {
    const pairs = keyValues(this.text(name) ?? '');
    if (pairs === null)
      this.warn(name, 'must be name=value, by comma, values percent-encoded: it is ignored');
    return pairs ?? {};
  }

  file(as: 'ca' | 'cert' | 'key', what: string): { [name: string]: Buffer } {
    const [name, path] = this.exporterNamed(what);
    if (path === undefined) return {};
    try {
      return { [as]: readFileSync(path) };
    } catch (error) {
      this.warn(name, `cannot be read: ${messageOf(error)}`);
      return {};
    }
  }

  /** Values are not repeated: one may be a secret. */
  warn(name: string, words: string): void {
    this.warnings.push(`${name} ${words}`);
  }
}
