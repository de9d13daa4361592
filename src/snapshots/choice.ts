import { compileGlobs, type GlobPosition, startOf, stepAtOnce } from '../artifacts/glob.ts';
import { type FieldError, RunwireError } from '../documents/errors.ts';

/** `within`: it is not taken itself, and something in it may be. */
export type Choosing = 'taken' | 'left' | 'within';

interface Place {
  path: string;
  /** Null: everything below is kept. */
  keep: GlobPosition | null;
  ignore: GlobPosition;
}

/** Which things of a tree are taken. They are asked about in the order of a walk. */
export class Choice {
  readonly #way: Place[];
  readonly #isAll: boolean;

  /** Throws RunwireError for what is no glob. */
  constructor(keep: readonly string[] | undefined, ignore: readonly string[] = []) {
    const errors: FieldError[] = [];
    const start = (field: string, globs: readonly string[]): GlobPosition =>
      startOf(
        compileGlobs(globs, (glob, message) =>
          errors.push({ path: `${field}.${globs.indexOf(glob)}`, message }),
        ),
      );
    this.#isAll = keep === undefined && ignore.length === 0;
    this.#way = [{ path: '', keep: keep ? start('keep', keep) : null, ignore: start('ignore', ignore) }];
    if (errors.length > 0)
      throw new RunwireError('invalid_field', 'a glob cannot match anything', { errors });
  }

  of(path: string, isDirectory: boolean): Choosing {
    if (this.#isAll) return 'taken';
    const slash = path.lastIndexOf('/');
    const directory = slash < 0 ? '' : path.slice(0, slash);
    while (this.#way.length > 1 && this.#way.at(-1)?.path !== directory) this.#way.pop();
    const { keep, ignore } = this.#way.at(-1) as Place;
    const name = path.slice(slash + 1);
    const ignored = stepAtOnce(ignore, name);
    if (ignored.matched.length > 0) return 'left';
    const kept = keep && stepAtOnce(keep, name);
    const below = kept && kept.matched.length === 0 ? kept.below : null;
    const open = below === null || below.places.size > 0;
    if (isDirectory && open) this.#way.push({ path, keep: below, ignore: ignored.below });
    if (below === null) return 'taken';
    return isDirectory && open ? 'within' : 'left';
  }
}
