import { basename } from 'node:path';
import type { Invocation } from '../documents/invocation.ts';
import { workspaceOf } from '../documents/workspace-use.ts';
import type { EndedRun, Ending } from './traced-run.ts';

export type Attributes = Record<string, string | number | boolean>;
type Maybe = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Of the span of a run. */
export function attributesOfRun(run: EndedRun, { status, outcome }: Ending): Attributes {
  const { invocation, environmentSpec } = run;
  const { workspace, session } = invocation.options;
  return present({
    'runwire.invocation.id': run.id,
    'runwire.runtime_kind': run.runner.kind,
    'runwire.runtime_name': invocation.runtime_name,
    'runwire.workspace': workspaceOf(workspace)?.id,
    'runwire.session': session,
    'runwire.environment_spec': environmentSpec && `${environmentSpec.name}@${environmentSpec.version}`,
    'runwire.status': status,
    'runwire.ended': outcome.ended,
    'runwire.timeout_reason': outcome.timeout_reason,
    'runwire.cancelled_by': outcome.cancelled_by?.by,
    'runwire.retry_safe': outcome.retry_safe,
    'runwire.stdout.bytes': outcome.stdout?.bytes,
    'runwire.stderr.bytes': outcome.stderr?.bytes,
    'error.type': outcome.failure?.reason,
  });
}

/** Of the work itself, by the semantic conventions of what it was. Neither arguments nor a URL: they hold secrets too often. */
export function attributesOfWork({ invocation, runner }: EndedRun, { result, outcome }: Ending): Attributes {
  const { signal, usage, failure } = outcome;
  const { metadata, exit_code: code } = result;
  const ofKind = OF_KIND[runner.kind]?.(invocation, code) ?? { 'process.exit.code': code };
  return present({
    ...ofKind,
    'container.id': metadata['docker.container_id'],
    'runwire.signal': signal,
    'runwire.cpu_user_ms': usage?.cpu_user_ms,
    'runwire.cpu_system_ms': usage?.cpu_system_ms,
    'runwire.max_rss_bytes': usage?.max_rss_bytes,
    'error.type': failure?.reason,
  });
}

const program = ({ command }: Invocation, code: number | null): Maybe => ({
  'process.executable.name': command[0] === undefined ? null : basename(command[0]),
  'process.exit.code': code,
});

const OF_KIND: Readonly<Record<string, (invocation: Invocation, code: number | null) => Maybe>> = {
  subprocess: program,
  docker: (invocation, code) => ({
    ...program(invocation, code),
    'container.image.name': textOf(invocation.options.docker, 'image'),
  }),
  http: (invocation, code) => ({ ...called(invocation, 'http'), 'http.response.status_code': code }),
  http_async: (invocation) => called(invocation, 'http_async'),
};

function called({ options, metadata }: Invocation, key: 'http' | 'http_async'): Maybe {
  const text = textOf(options[key], 'url') ?? metadata['http.url'] ?? '';
  const url = URL.canParse(text) ? new URL(text) : null;
  const port = url?.port || (url?.protocol === 'https:' ? 443 : 80);
  return {
    'http.request.method': textOf(options[key], 'method') ?? metadata['http.method'] ?? 'POST',
    'server.address': url?.hostname,
    'server.port': url && Number(port),
  };
}

/** A field of the kind's own options. */
function textOf(spec: unknown, name: string): string | undefined {
  const value = typeof spec === 'object' && spec !== null ? Object.entries(spec) : [];
  const found = value.find(([key]) => key === name)?.[1];
  return typeof found === 'string' ? found : undefined;
}

function present(attributes: Maybe): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, value]],
    ),
  );
}
