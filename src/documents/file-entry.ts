import { z } from 'zod';

/** What is in a directory of the server, as it is now. */
export const FileEntry = z.strictObject({
  path: z.string().describe('Relative, with slashes'),
  type: z.enum(['file', 'directory', 'link', 'fifo', 'socket', 'device']),
  size_bytes: z.number().int().describe('0 of what is no file'),
  mode: z.string().describe('Permission bits in octal: 0644'),
  modified_at: z.iso.datetime(),
  target: z.string().optional().describe('Where a link points, as it says'),
  sha256: z.string().optional().describe('Of a file, where it was asked for'),
});
export type FileEntry = z.infer<typeof FileEntry>;
