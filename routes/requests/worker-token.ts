import type { Engine } from '../../src/engine/engine.ts';

/** The token of an Authorization header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

/** Is this the token of who holds, or held, a claim of this run. */
export function holdsClaim(
  engine: Pick<Engine, 'has' | 'directory' | 'claims'>,
  id: string,
  token: string,
): boolean {
  try {
    return engine.has(id) && engine.claims().holds({ id, directory: engine.directory(id) }, token);
  } catch {
    return false; // no kind with workers, a run that is being deleted
  }
}
