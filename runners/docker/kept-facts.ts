import { parseJson } from '../../src/platform/json-parse.ts';
import { type KeptContainer, KeptFacts } from './container-record.ts';
import { FACTS_LABEL } from './server-identity.ts';

const Facts = KeptFacts.omit({ id: true });

/** A kept container by what the engine lists of it. Null: it is none. */
export function keptContainer(id: string, labels: Readonly<Record<string, string>>): KeptContainer | null {
  const text = labels[FACTS_LABEL];
  return text === undefined ? null : { id, ...Facts.parse(parseJson(text)) };
}
