import type { EnvironmentSpec, EnvironmentSpecInput } from '../documents/environment-spec.ts';
import type { ErrorCode } from '../documents/errors.ts';
import type { DefaultsLayer } from '../documents/invocation-defaults.ts';

/** A version of a spec, as what is made with it takes it. */
export interface ResolvedSpec extends DefaultsLayer {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}

/** For who makes something with a spec. */
export interface SpecBook {
  /**
   * `name`: the newest version now, or `name@version`. Throws RunwireError that names the field where there is none;
   * `at`: of what. Default: of an invocation, options.environment_spec.
   */
  resolve(reference: string, at?: { code: ErrorCode; path: string }): ResolvedSpec;
}

export interface SpecPage {
  items: EnvironmentSpec[];
  next_cursor: string | null;
}

/** What routes may ask. All throw RunwireError spec_not_found where there is none of the name. */
export interface EnvironmentSpecs {
  /**
   * A new version, or the newest one where that says the same. `mayPut` is told the digest of the newest version, null: there
   * is none, and throws where that is not to be replaced. Stored when it resolves.
   */
  put(
    name: string,
    input: EnvironmentSpecInput,
    mayPut?: (digest: string | null) => void,
  ): Promise<{ spec: EnvironmentSpec; isNew: boolean }>;
  /** `name` or `name@version`. A version whose name was removed is there while somebody uses it. */
  get(reference: string): EnvironmentSpec;
  /** The newest version of each name, newest first. */
  list(filter: { limit: number; cursor?: string }): SpecPage;
  /** All versions of a name, newest first. */
  versions(name: string, filter: { limit: number; cursor?: string }): SpecPage;
  /** The name is gone when it resolves, and what nobody uses of its versions. */
  remove(name: string, mayRemove?: (digest: string) => void): Promise<void>;
}
