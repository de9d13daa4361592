/**
 * `name=value` by comma, as OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS have them (W3C Baggage), values
 * percent-encoded. Null: it is none.
 */
export function keyValues(text: string): Record<string, string> | null {
  const found: Record<string, string> = {};
  for (const entry of text.split(',')) {
    const at = entry.indexOf('=');
    const name = entry.slice(0, at).trim();
    if (entry.trim() === '') continue;
    if (at < 0 || name === '') return null;
    try {
      found[decodeURIComponent(name)] = decodeURIComponent(entry.slice(at + 1).trim());
    } catch {
      return null;
    }
  }
  return found;
}
