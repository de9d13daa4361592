const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Set by the connection, or they would make one message look like two. */
const OURS = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Read on the way or by whoever looks for the right host, and not by him for whom a secret is. */
const NO_PLACE_FOR_SECRETS = new Set([...OURS, 'host', 'proxy-authenticate', 'proxy-authorization']);

/** A token (RFC 9110, 5.6.2): names of headers and methods. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Has it nothing that would end the line or begin another header. */
export function isFieldValue(text: string): boolean {
  return FIELD_VALUE.test(text);
}

/** Any text as a field value of its own: itself where it is visible ASCII without `%`, else percent-encoded; two texts stay two. */
export function asFieldValue(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]|%/gu, encodeURIComponent);
}

export function setByConnection(name: string): boolean {
  return OURS.has(name.toLowerCase());
}

export function mayCarrySecret(name: string): boolean {
  // As a property of an object the last one is something else.
  return isToken(name) && !NO_PLACE_FOR_SECRETS.has(name.toLowerCase()) && name !== '__proto__';
}
