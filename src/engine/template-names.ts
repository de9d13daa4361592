import { join } from 'node:path';
import type { GivenFile } from '../contract/given.ts';
import type { Runner, SeenRun } from '../contract/runner.ts';
import type { InputInPlace } from '../inputs/given-inputs.ts';
import { seenPath } from '../run/given.ts';

interface Asked extends SeenRun {
  runner: Runner;
  given: readonly Pick<GivenFile, 'path'>[];
  inPlace: readonly Pick<InputInPlace, 'id' | 'place'>[];
}

const INPUT = /^inputs\/([^/]+)/;

/** What `${…}` may name in a run, and what that stands for. */
export function templateNames(asked: Asked): Map<string, string> {
  const { invocation, artifactDirectory, runner, directory, given, inPlace } = asked;
  const names = new Map([
    ['run.id', invocation.invocation_id],
    ['run.name', invocation.runtime_name],
  ]);
  const put = (name: string, place: string | null): void => {
    const seen = place === null ? null : runner.seenAt ? runner.seenAt(place, asked) : place;
    if (seen !== null) names.set(name, seen);
  };
  put('run.artifact_directory', artifactDirectory);
  for (const { path } of given) {
    const id = INPUT.exec(path)?.[1];
    const seen = seenPath(runner, directory, path);
    if (id === undefined || seen === null) continue;
    names.set(id, seen).set(`${id}.path`, seen);
  }
  for (const { id, place } of inPlace) {
    put(id, place);
    put(`${id}.path`, place);
  }
  for (const { id, value } of invocation.options.inputs ?? []) {
    if (value === undefined) continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    names.set(id, text).set(`${id}.value`, text);
  }
  for (const { id, path } of invocation.options.outputs ?? [])
    put(`${id}.path`, join(asked.workingDirectory, path));
  return names;
}
