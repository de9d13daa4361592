import { ConnectionError, RunwireError } from '../../client/runwire.ts';

/** What went wrong, as a model is told it: what, where in the input, and what to do next. Null: it is nobody's fault but ours. */
export function failureText(error: unknown): string | null {
  if (error instanceof ConnectionError) return `${error.message} [${error.code}]\n${UNREACHED[error.code]}`;
  if (error instanceof TypeError) return `${error.message} [invalid_input]`;
  if (!(error instanceof RunwireError)) return null;
  const wait = error.retryAfterSeconds === null ? '' : `Try again after ${error.retryAfterSeconds} s.`;
  const fields = error.errors.filter(({ path, message }) => !error.message.includes(`${path}: ${message}`));
  return [
    `${error.message} [${error.code}]`,
    ...fields.map(({ path, message }) => `${path}: ${message}`),
    ...[NEXT[error.code] ?? '', wait].filter((words) => words !== ''),
  ].join('\n');
}

const UNREACHED: { readonly [code in ConnectionError['code']]: string } = {
  unreachable: 'Nothing was done. What runs on the server goes on: try again later.',
  connection_lost: 'It may have been done: look with list or show before doing it again. What runs goes on.',
};

/** What is worth doing then. */
const NEXT: { readonly [code: string]: string } = {
  unauthorized: 'The token of this connection is missing or wrong: tell the user (RUNWIRE_TOKEN).',
  invocation_not_found: 'list shows the runs that there are.',
  invocation_removed: 'It is gone for good: run it again.',
  workspace_not_found: 'workspace_list shows those that there are, workspace_create makes one.',
  workspace_removed: 'It is gone for good: workspace_create makes another.',
  workspace_busy: 'Runs are in it: wait for them, or cancel them, and try again.',
  workspace_full: 'Delete files in it, or keep less.',
  snapshot_not_found: 'workspace_snapshot takes one.',
  session_not_found: 'session_create makes one.',
  session_closed: 'It is gone for good: session_create makes another.',
  file_not_found: 'list_files shows what is there.',
  artifact_not_found: 'artifacts shows what the run left behind.',
  spec_not_found: 'Leave spec away, or ask the user for its name.',
  runtime_not_found: 'kinds shows those that there are.',
  not_running: 'show tells how it stands.',
  not_finished: 'wait for it first, or cancel it.',
  stdin_closed:
    'It takes no input any more: a run that is to take some while it runs is started with stdin_open.',
  not_supported: 'The kind of the run cannot do this: cancel can end it.',
  queue_full: 'The server has too much to do.',
  body_too_large: 'Send it in smaller parts, or have a run fetch it.',
};
