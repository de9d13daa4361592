import type { Diff } from '../../client/runwire.ts';
import type { View } from './things.ts';

/** What differs between two trees. */
export const changes: View<Diff['files'][number]> = {
  heading: ['CHANGE', '+', '-', 'PATH'],
  id: ({ path }) => path,
  cells: ({ change, lines_added: added, lines_removed: removed, path, type }) => [
    change.replace('_', ' '),
    added === null ? '-' : String(added),
    removed === null ? '-' : String(removed),
    type === 'file' ? path : `${path} (${type})`,
  ],
};

export function inShort({ stats }: Diff): string {
  const { created, deleted, modified, mode_changed: modes } = stats;
  const said = [
    created > 0 && `${created} created`,
    deleted > 0 && `${deleted} deleted`,
    modified > 0 && `${modified} modified`,
    modes > 0 && `${modes} with another mode`,
  ].filter((words) => words !== false);
  return said.length === 0 ? 'nothing has changed' : said.join(', ');
}
