import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** git on one tree, its repository beside it: what people keep trees with. */
export class GitTree {
  readonly #tree: string;
  readonly #environment: Record<string, string>;

  constructor(directory: string, tree: string) {
    this.#tree = tree;
    this.#environment = {
      PATH: process.env.PATH ?? '',
      GIT_DIR: join(directory, 'repository'),
      GIT_WORK_TREE: tree,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      ...{ GIT_AUTHOR_NAME: 'bench', GIT_AUTHOR_EMAIL: 'bench@localhost' },
      ...{ GIT_COMMITTER_NAME: 'bench', GIT_COMMITTER_EMAIL: 'bench@localhost' },
    };
    this.git('init', '-q');
    for (const [key, value] of Object.entries({ 'gc.auto': '0', 'core.autocrlf': 'false' }))
      this.git('config', key, value);
  }

  git(...words: string[]): string {
    const environment = this.#environment;
    return execFileSync('git', words, {
      cwd: this.#tree,
      env: environment,
      encoding: 'utf8',
      maxBuffer: 1e9,
    });
  }

  /** `-f`: what packages ignore is part of the tree. */
  commit(): void {
    this.git('add', '-A', '-f');
    this.git('commit', '-q', '--allow-empty', '-m', 'snapshot');
  }

  checkOut(): void {
    this.git('checkout', '-q', '-f', 'HEAD', '--', '.');
  }

  reset(): void {
    this.git('reset', '-q', '--hard');
    this.git('clean', '-q', '-fdx');
  }
}
