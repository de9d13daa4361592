#!/usr/bin/env node
import { existsSync } from 'node:fs';

// In the package the JavaScript is built; in the repository Node runs the sources as they are.
const sources = new URL('../cli/main.ts', import.meta.url);
await import(existsSync(sources) ? sources : new URL('../dist/cli/main.js', import.meta.url));
