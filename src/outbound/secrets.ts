import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseJson } from '../platform/json-parse.ts';
import { isHostPattern, matchesHost } from './host-pattern.ts';

/** What the server knows and clients only name. `hosts`: where it may be sent; null: anywhere. */
export interface Secret {
  readonly value: string;
  readonly hosts: readonly string[] | null;
}

export type Secrets = ReadonlyMap<string, Secret>;

const PREFIX = 'RUNWIRE_SECRET_';
// Header values: what HTTP takes without quoting, so that it is sent as it is kept.
const Value = z.string().regex(/^[\x20-\x7e]+$/, { error: 'must be one or more printable ASCII characters' });
/** As a URL has it: what can match no host would keep a secret from everybody, without a word. */
const Host = z.string().refine((text) => isHostPattern(text) || isIP(text.replace(/^\[|\]$/g, '')) !== 0);
const File = z.record(
  z.string().min(1),
  z.union([Value, z.strictObject({ value: Value, hosts: z.array(Host).optional() })]),
);

/** Is this variable one that holds a secret: it is never handed on, printed or warned of. */
export function holdsSecret(variable: string): boolean {
  return variable.startsWith(PREFIX);
}

/** What a collector of traces may want to see first: a key, mostly. */
const OTLP_HEADERS = /^OTEL_EXPORTER_OTLP_(TRACES_)?HEADERS$/;

/** These never reach a program, whatever passthrough names. */
export function isSecretVariable(name: string): boolean {
  return name === 'RUNWIRE_TOKEN' || holdsSecret(name) || OTLP_HEADERS.test(name);
}

/**
 * The secrets of a server: RUNWIRE_SECRET_<NAME> variables, and a JSON file of name → value or
 * {value, hosts}, which wins. Throws Error, without any value in its words, for what is none.
 */
export function readSecrets(env: Readonly<Record<string, string | undefined>>, file: string | null): Secrets {
  const secrets = new Map<string, Secret>();
  for (const [variable, value] of Object.entries(env))
    if (holdsSecret(variable) && value !== undefined && value !== '') {
      if (!Value.safeParse(value).success) throw new Error(`${variable} must be printable ASCII characters`);
      secrets.set(variable.slice(PREFIX.length), { value, hosts: null });
    }
  for (const [name, entry] of Object.entries(file === null ? {} : readFile(file)))
    secrets.set(name, typeof entry === 'string' ? { value: entry, hosts: null } : withHosts(entry));
  return secrets;
}

/** Why this secret cannot be used for this host; undefined: it can. */
export function secretRefusal(secrets: Secrets, name: string, host: string): string | undefined {
  const secret = secrets.get(name);
  if (!secret) return `the server holds no secret ${JSON.stringify(name)}`;
  return maySendTo(secret, host) ? undefined : `the secret ${JSON.stringify(name)} is not for ${host}`;
}

/** May this secret be sent to this host. */
export function maySendTo({ hosts }: Secret, host: string): boolean {
  return hosts === null || hosts.some((pattern) => matchesHost(pattern, host));
}

function withHosts({ value, hosts }: { value: string; hosts?: string[] | undefined }): Secret {
  return { value, hosts: hosts ?? null };
}

function readFile(file: string): z.infer<typeof File> {
  let content: unknown;
  try {
    content = parseJson(readFileSync(file, 'utf8'));
  } catch (error) {
    // A parser's words may repeat the text.
    throw new Error(
      `RUNWIRE_SECRETS_FILE ${error instanceof SyntaxError ? 'is not valid JSON' : String(error)}`,
    );
  }
  const parsed = File.safeParse(content);
  if (parsed.success) return parsed.data;
  const names = [...new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? 'it')))].join(', ');
  throw new Error(
    `RUNWIRE_SECRETS_FILE: ${names} must be text, or {"value": text, "hosts": [name, *.name or address]}`,
  );
}
