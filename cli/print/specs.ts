import type { StoredEnvironmentSpec } from '../../client/runwire.ts';
import { quoted } from '../run/as-curl.ts';
import { facts, pairsOf } from './facts.ts';
import type { View } from './things.ts';
import { ageOf, withAge } from './workspaces.ts';

export const nameOfSpec = ({ name, version }: StoredEnvironmentSpec): string => `${name}@${version}`;

export const specs: View<StoredEnvironmentSpec> = {
  heading: ['NAME', 'KIND', 'AGE', 'DIGEST', 'DESCRIPTION'],
  id: nameOfSpec,
  cells: (spec) => [
    nameOfSpec(spec),
    spec.runtime_kind,
    ageOf(spec.created_at),
    spec.digest.slice(0, 12),
    spec.description ?? '',
  ],
};

export const specPage = (spec: StoredEnvironmentSpec): string =>
  facts([
    ['name', nameOfSpec(spec)],
    ['about', spec.description],
    ['kind', spec.runtime_kind],
    ['environment', pairsOf(spec.environment ?? {})],
    ['setup', spec.setup?.commands?.map(inOneLine).join(' && ')],
    ['assets', Object.keys(spec.assets ?? {}).join(' ')],
    ['entry', spec.entry && inOneLine(spec.entry.command)],
    ['options', spec.options && JSON.stringify(spec.options)],
    ['digest', spec.digest],
    ['created', withAge(spec.created_at)],
  ]);

const inOneLine = (command: string | readonly string[]): string =>
  typeof command === 'string' ? command : command.map(quoted).join(' ');
