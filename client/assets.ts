import type { Asked } from './asked.ts';
import { type Connection, withJson } from './connection.ts';
import { Download } from './download.ts';
import type { Asset, Bodies } from './openapi.ts';
import { type PageOptions, Pages } from './pages.ts';
import type { Payload } from './payload.ts';
import { segment } from './segment.ts';
import { expectSame, hashed } from './upload.ts';
import { type Conditions, conditionsOf, isFree } from './workspace.ts';

/** Bytes and directories that the server keeps under a name, in versions that never change. A name may be `name@version` where one is read. */
export class Assets {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** A version of these bytes, or with `extract` of what is in the archive that they are. What the server keeps of bytes is compared with their hash. */
  async put(
    name: string,
    payload: Payload,
    options: Conditions & { extract?: boolean | undefined; mediaType?: string | undefined } = {},
  ): Promise<Asset> {
    const { extract, mediaType = 'application/octet-stream', signal } = options;
    const { body, sha256 } = await hashed(payload);
    const headers = { ...conditionsOf(options), 'content-type': mediaType };
    const call = { method: 'PUT', path: pathOf(name), query: { extract }, headers, body, signal } as const;
    const asset = await this.#connection.json<Asset>({ ...call, repeatable: isFree(options) });
    if (asset.type === 'file') expectSame(sha256(), asset.digest, name);
    return asset;
  }

  /** A version of what the server fetches. */
  putUrl(name: string, source: Bodies['putAsset'], options: Conditions = {}): Promise<Asset> {
    const headers = conditionsOf(options);
    const call = { method: 'PUT', path: pathOf(name), headers, signal: options.signal } as const;
    return this.#connection.json(withJson({ ...call, repeatable: isFree(options) }, source));
  }

  get(name: string, { signal }: Asked = {}): Promise<Asset> {
    return this.#connection.json({ path: pathOf(name), signal });
  }

  /** Its bytes; of a directory an archive, or with `path` one file in it. */
  content(
    name: string,
    {
      signal,
      ...query
    }: Asked & {
      path?: string | undefined;
      glob?: string | undefined;
      format?: 'tar' | 'tar.gz' | 'zip' | undefined;
    } = {},
  ): Download {
    return new Download(this.#connection, { path: `${pathOf(name)}/content`, query, signal });
  }

  /** The newest version of each. */
  list({ signal, ...page }: PageOptions & Asked = {}): Pages<Asset> {
    return Pages.of(this.#connection, '/assets', { ...page, signal });
  }

  versions(name: string, { signal, ...page }: PageOptions & Asked = {}): Pages<Asset> {
    return Pages.of(this.#connection, `${pathOf(name)}/versions`, { ...page, signal });
  }

  /** All versions, or the one that is named. */
  async remove(name: string, options: Conditions = {}): Promise<void> {
    const call = { method: 'DELETE', path: pathOf(name), headers: conditionsOf(options) } as const;
    await this.#connection.done({ ...call, signal: options.signal, repeatable: isFree(options) });
  }
}

const pathOf = (name: string): string => `/assets/${segment(name)}`;
