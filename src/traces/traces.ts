import about from '../../package.json' with { type: 'json' };
import { secretForms } from '../outbound/secret-forms.ts';
import type { Secrets } from '../outbound/secrets.ts';
import type { DeliveryTools } from './delivery.ts';
import { type Environment, readTraceSettings } from './settings.ts';
import type { Traces } from './traced-run.ts';
import { untraced } from './untraced.ts';

export type { Traces } from './traced-run.ts';
export { untraced } from './untraced.ts';

export interface TracesParts extends Omit<DeliveryTools, 'most' | 'log'> {
  /** Its OTEL_… variables say whether, where and how. */
  environment: Environment;
  /** The same for every server of a data directory. */
  key: Buffer;
  secrets: Secrets;
  log: DeliveryTools['log'] & { warn(words: string): void };
}

/** The traces of a server. The SDK is loaded only where they are asked for. */
export async function openTraces({ environment, secrets, ...parts }: TracesParts): Promise<Traces> {
  const { settings, warnings } = readTraceSettings(environment);
  for (const warning of warnings) parts.log.warn(warning);
  if (settings === null) return untraced;
  const { SdkTraces } = await import('./sdk.ts');
  const values = [...secrets.values()].map(({ value }) => value);
  const traces = new SdkTraces({
    ...parts,
    ...{ settings, version: about.version },
    secrets: secretForms([...values, ...Object.values(settings.headers)]),
  });
  const { origin, pathname } = new URL(settings.url);
  parts.log.info({ to: `${origin}${pathname}`, sampler: settings.sampler }, 'traces are sent');
  return traces;
}
