import { expect, test } from 'vitest';
import type { z } from 'zod';
import { DockerSpec } from '../../../runners/docker/spec.ts';
import { HttpAsyncSpec } from '../../../runners/http-async/spec.ts';
import { HttpSpec } from '../../../runners/wire/spec.ts';
import { EnvironmentSpecInput } from '../../../src/documents/environment-spec.ts';
import { RunwireError } from '../../../src/documents/errors.ts';
import { fieldRefusal, UNKNOWN_FIELD } from '../../../src/documents/field-errors.ts';
import { FieldPlaces } from '../../../src/documents/field-places.ts';
import { InvocationInput } from '../../../src/documents/invocation.ts';
import type { Kind } from '../../../src/documents/kind.ts';
import { SessionInput } from '../../../src/documents/session.ts';
import { SnapshotInput } from '../../../src/documents/snapshot.ts';
import { WorkspaceInput } from '../../../src/documents/workspace.ts';

const named = (kind: string, spec: z.ZodType, aliases: string[] = []): Kind => ({
  ...{ kind, spec, aliases, name: kind, description: kind },
});
const KINDS = [
  named('docker', DockerSpec, ['container']),
  named('http', HttpSpec),
  named('http_async', HttpAsyncSpec, ['async-http']),
];

/** What is said of a field that is not known at this place. */
function words(schema: z.ZodType, path: string): string | undefined {
  const refusal = fieldRefusal('invalid_field', [{ path, message: UNKNOWN_FIELD }]);
  const { errors, message } = new FieldPlaces(schema, KINDS).pointed(refusal);
  expect(message).toBe(`${path}: ${errors?.[0]?.message}`);
  return errors?.[0]?.message.replace(/^is not a known field/, '…');
}

test.each([
  ['setup', '… here: it belongs at options.setup'],
  ['is_evaluation', '… here: it belongs at options.is_evaluation'],
  ['session', '… here: it belongs at options.session'],
  ['assets', '… here: it belongs at options.assets'],
  ['docker', '… here: it belongs at options.docker'],
  ['options.container', '… here: it belongs at options.docker'],
  ['options.async-http', '… here: it belongs at options.http_async'],
  ['options.environment', '… here: it belongs at environment'],
  ['options.timeout_seconds', '… here: it belongs at timeout_seconds'],
  ['options.docker.setup_command', '… here: it belongs at options.setup_command'],
  ['options.docker.timeout_seconds', '… here: it belongs at timeout_seconds'],
  ['options.setup.setup_command', '… here: it belongs at options.setup_command'],
  ['options.setup.disable_setup', '… here: it belongs at options.disable_setup'],
  ['options.image', '… here: it belongs at options.docker.image'],
  ['user', '… here: it belongs at options.setup.user or options.docker.user'],
  ['url', '… here: it belongs at options.on_finish.url, options.http.url or options.http_async.url'],
  ['entry', '… here: it is one of an environment spec'],
  ['idle_seconds', '… here: it is one of a session'],
  ['options.workspace.ttl_seconds', '… here: it is one of a session or a workspace'],
  ['no_such', '…'],
  ['constructor', '…'],
])('in an invocation %s %s', (path, expected) => {
  expect(words(InvocationInput, path)).toBe(expected);
});

test.each([
  ['setup', '… here: it belongs at options.setup'],
  ['setup_command', '… here: it belongs at options.setup_command'],
  ['image', '… here: it belongs at options.docker.image'],
  ['options.environment', '… here: it belongs at environment'],
  ['options.keep_workspace', '… here: it belongs at keep_workspace'],
  ['inputs', 'is of one run, not of a session'],
  ['command', '… here: it is one of an invocation'],
  ['timeout_seconds', '… here: it belongs at options.setup.timeout_seconds, or it is one of an invocation'],
])('in a session %s %s', (path, expected) => {
  expect(words(SessionInput, path)).toBe(expected);
});

test.each([
  ['command', '… here: it belongs at entry.command, or it is one of an invocation'],
  ['ignore', '… here: it belongs at snapshot.ignore'],
  ['evaluation_commands', '… here: it belongs at setup.evaluation_commands'],
  ['is_evaluation', 'is not taken in an environment spec: what a run is for is said by each invocation'],
  ['options.entry', '… here: it belongs at entry'],
  ['timeout_seconds', '… here: it belongs at setup.timeout_seconds, or it is one of an invocation'],
])('in an environment spec %s %s', (path, expected) => {
  expect(words(EnvironmentSpecInput, path)).toBe(expected);
});

test('documents without options are no different', () => {
  expect(words(WorkspaceInput, 'url')).toBe('… here: it belongs at from.git.url');
  expect(words(WorkspaceInput, 'snapshot_id')).toBe('… here: it is one of a snapshot');
  expect(words(WorkspaceInput, 'image')).toBe('…');
  expect(words(SnapshotInput, 'command')).toBe('… here: it is one of an invocation');
});

test('other refusals stay as they are', () => {
  const places = new FieldPlaces(InvocationInput, KINDS);
  const plain = new RunwireError('not_found', 'There is none.');
  const faulty = fieldRefusal('invalid_field', [{ path: 'setup', message: 'must be an object' }]);
  expect([places.pointed(plain), places.pointed(faulty)]).toEqual([plain, faulty]);
});
