#!/usr/bin/env node
import { existsSync, statSync } from 'node:fs';
import * as node from 'node:module';
import { isAbsolute } from 'node:path';

keepCompiled();
// In the package the JavaScript is built; in the repository Node runs the sources as they are.
const sources = new URL('../cli/main.ts', import.meta.url);
await import(existsSync(sources) ? sources : new URL('../dist/cli/main.js', import.meta.url));

/** What Node compiled is there for the next time, below a home that is this user's: whoever else could write there could have us run theirs. */
function keepCompiled() {
  const { XDG_CACHE_HOME: cache = '', HOME: home = '' } = process.env;
  const place = isAbsolute(cache) ? cache : home;
  try {
    if (!isAbsolute(place) || statSync(place).uid !== process.getuid?.()) return;
  } catch {
    return; // it is not there, or not for us
  }
  node.enableCompileCache?.(place === cache ? `${cache}/runwire` : `${home}/.cache/runwire`);
}
