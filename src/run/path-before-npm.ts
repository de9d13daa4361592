import { dirname, join } from 'node:path';

/**
 * PATH of the server without what npm puts before it for its scripts (`npm start`): the `node_modules/.bin` of the package and of every
 * directory above it, and a directory of npm's own. What programs find is the same, however the server was started.
 */
export function pathBeforeNpm(server: Readonly<Record<string, string | undefined>>): string | undefined {
  const { PATH, npm_lifecycle_event: script, npm_package_json: manifest } = server;
  if (PATH === undefined || script === undefined || manifest === undefined) return PATH;
  const added = binsUpFrom(dirname(manifest));
  let entries = PATH.split(':');
  // A script of npm may have started another one.
  while (added.every((directory, at) => entries[at] === directory)) {
    entries = entries.slice(added.length);
    if (entries[0]?.endsWith('/node-gyp-bin')) entries = entries.slice(1);
  }
  return entries.length === 0 ? undefined : entries.join(':');
}

/** In npm's order. */
function binsUpFrom(directory: string): string[] {
  const bin = join(directory, 'node_modules', '.bin');
  const above = dirname(directory);
  return above === directory ? [bin] : [bin, ...binsUpFrom(above)];
}
