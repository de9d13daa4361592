import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunwireError } from '../../../src/documents/errors.ts';
import { type GitFrom, type GitOptions, type GitPlace, GitSource } from '../../../src/git/source.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';

/** Directories for one test, as those of a workspace. */
export class Scene {
  readonly root = mkdtempSync(join(tmpdir(), 'runwire-git-'));
  readonly beside = join(this.root, 'beside');
  readonly directory = join(this.root, 'tree');
  readonly logged: string[] = [];

  constructor() {
    mkdirSync(this.beside);
  }

  source(options: Partial<GitOptions> = {}): GitSource {
    return new GitSource({
      guard: addressGuard(),
      secrets: new Map(),
      path: process.env.PATH ?? '',
      timeoutSeconds: 60,
      maxFiles: 1000,
      ...options,
    });
  }

  fill(
    from: GitFrom,
    options: Partial<GitOptions> = {},
    place: Partial<GitPlace> = {},
  ): Promise<{ commit: string | null }> {
    return this.source(options).fill(from, {
      directory: this.directory,
      beside: this.beside,
      maxBytes: 50_000_000,
      signal: new AbortController().signal,
      log: (words) => this.logged.push(words),
      ...place,
    });
  }

  /** What it is refused with, having left nothing. */
  async refusal(...args: Parameters<Scene['fill']>): Promise<{ code: string; path: string; words: string }> {
    try {
      await this.fill(...args);
    } catch (error) {
      if (!(error instanceof RunwireError)) throw error;
      if (existsSync(this.directory) || readdirSync(this.beside).length > 0)
        throw new Error('it left something', { cause: error });
      return { code: error.code, path: error.errors?.[0]?.path ?? '', words: error.message };
    }
    throw new Error('it was not refused');
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
