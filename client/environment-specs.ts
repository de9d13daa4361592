import type { Asked } from './asked.ts';
import { type Connection, withJson } from './connection.ts';
import type { EnvironmentSpecInput, StoredEnvironmentSpec } from './openapi.ts';
import { type PageOptions, Pages } from './pages.ts';
import { segment } from './segment.ts';
import { type Conditions, conditionsOf, isFree } from './workspace.ts';

/** What many invocations have in common, stored under a name, in versions that never change. A name may be `name@version` where one is read. */
export class EnvironmentSpecs {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** A new version, or the newest where it says the same. */
  put(name: string, spec: EnvironmentSpecInput, options: Conditions = {}): Promise<StoredEnvironmentSpec> {
    const headers = conditionsOf(options);
    const call = { method: 'PUT', path: pathOf(name), headers, signal: options.signal } as const;
    return this.#connection.json(withJson({ ...call, repeatable: isFree(options) }, spec));
  }

  get(name: string, { signal }: Asked = {}): Promise<StoredEnvironmentSpec> {
    return this.#connection.json({ path: pathOf(name), signal });
  }

  /** The newest version of each. */
  list({ signal, ...page }: PageOptions & Asked = {}): Pages<StoredEnvironmentSpec> {
    return Pages.of(this.#connection, '/environment-specs', { ...page, signal });
  }

  versions(name: string, { signal, ...page }: PageOptions & Asked = {}): Pages<StoredEnvironmentSpec> {
    return Pages.of(this.#connection, `${pathOf(name)}/versions`, { ...page, signal });
  }

  async remove(name: string, options: Conditions = {}): Promise<void> {
    const call = { method: 'DELETE', path: pathOf(name), headers: conditionsOf(options) } as const;
    await this.#connection.done({ ...call, signal: options.signal, repeatable: isFree(options) });
  }
}

const pathOf = (name: string): string => `/environment-specs/${segment(name)}`;
