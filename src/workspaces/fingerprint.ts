import { hash } from 'node:crypto';
import type { WorkspaceInput } from '../documents/workspace.ts';

/** SHA-256 (hex) of a workspace as it was asked for: the same JSON value has the same, whatever the order of its keys. */
export function fingerprintOf(input: WorkspaceInput, files: string | null): string {
  return hash('sha256', `${canonical(input)}\n${files ?? ''}`);
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join()}}`;
}
