import type { Plan } from './plan.ts';
import { type Step, shellLines } from './program.ts';

/** What the runs of a soak are made of, beside their plans. */
export interface Surroundings {
  /** Distinguishes the ids and keys of this soak. */
  name: string;
  /** Of the backend: http and http_async call it, and results are delivered to it. */
  backend: string;
  /** A directory in which each program leaves a byte in the file of its run when it begins. */
  marks: string;
  /** Of the containers; null: none are made. */
  image: string | null;
}

const MARKS = '/marks';
export const LEASE_SECONDS = 8;

export const idOf = ({ n }: Plan, { name }: Surroundings): string => `${name}-${n}`;

/** The body that is POSTed for a plan. */
export function invocationOf(plan: Plan, around: Surroundings): Record<string, unknown> {
  const { n, kind, name, files, stdin, onFinish, timeout, queueSeconds, maxOutputBytes } = plan;
  return {
    ...(name === 'id' && { invocation_id: idOf(plan, around) }),
    runtime_kind: kind,
    metadata: { soak: String(n) },
    ...(timeout?.idle === false && { timeout_seconds: timeout.seconds }),
    ...(files.length > 0 && { artifact_directory: 'out' }),
    ...((kind === 'subprocess' || kind === 'docker') && program(plan, around)),
    options: {
      kill_grace_seconds: plan.stubborn ? 0.5 : 4,
      ...(timeout?.idle && { idle_timeout_seconds: timeout.seconds }),
      ...(queueSeconds !== null && { queue_timeout_seconds: queueSeconds }),
      ...(maxOutputBytes !== null && { max_output_bytes: maxOutputBytes }),
      ...(onFinish && { on_finish: { url: `${around.backend}/finish?n=${n}`, secret: 'soak' } }),
      ...(stdin && (stdin.fed ? { stdin_open: true } : { stdin: Buffer.concat(stdin.pieces).toString() })),
      ...spec(plan, around),
    },
  };
}

function spec(plan: Plan, { backend, marks, image }: Surroundings): Record<string, unknown> {
  const { n, kind, variant } = plan;
  switch (kind) {
    case 'subprocess':
      return {};
    case 'docker':
      return { docker: { image, mounts: [{ source: marks, target: MARKS, read_only: false }] } };
    case 'http':
      return { http: { url: `${backend}/call?n=${n}`, method: variant ? 'GET' : 'POST' } };
    case 'manual':
      return { manual: { lease_seconds: LEASE_SECONDS, max_attempts: 20 } };
    case 'http_async':
      return {
        http_async: {
          url: `${backend}/jobs?n=${n}`,
          poll_url_template: '/state?id={run_id}',
          poll_run_id_path: 'id',
          poll_status_path: 'status',
          poll_terminal_states: ['completed', 'failed'],
          poll_interval_seconds: 0.3,
          log_path: 'log',
          output_path: 'output',
          cancel: { url_template: '/stop?id={run_id}' },
          ...(variant && { stream_url_template: '/stream?id={run_id}' }),
        },
      };
  }
}

function program(plan: Plan, { marks }: Surroundings): Record<string, unknown> {
  const inContainer = plan.kind === 'docker';
  const mark = `${inContainer ? MARKS : marks}/${plan.n}`;
  const lines = [
    `printf . >>'${mark}'`,
    ...(plan.stubborn ? ["trap '' TERM"] : []),
    ...(plan.leaves ? [`(${inContainer ? '' : 'setsid '}sleep 300 </dev/null >/dev/null 2>&1 &)`] : []),
    ...plan.files.map(({ name, bytes }) => `{ ${literal(bytes)}; } >"$RUNWIRE_ARTIFACT_DIR/${name}"`),
    ...shellLines(plan.steps, inContainer ? 'busybox sed' : 'sed'),
    ...(plan.stdin ? ['cat'] : []),
    'signal' in plan.end ? `kill -${plan.end.signal} $$; sleep 60` : `exit ${plan.end.code}`,
  ];
  return { command: ['sh', '-c', lines.join('\n')] };
}

function literal(bytes: Buffer): string {
  const step: Step = { do: 'write', stream: 'stdout', bytes };
  return shellLines([step], '').join('');
}
