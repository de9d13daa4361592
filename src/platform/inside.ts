/** Is `path` the directory `root` or anything under it. Both absolute, without links or `..`. */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`);
}
