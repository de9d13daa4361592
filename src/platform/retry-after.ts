const DAYS = 'Mon|Tue|Wed|Thu|Fri|Sat|Sun';
const LONG_DAYS = 'Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday';
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)';

/** The forms of an HTTP-date (RFC 9110, 5.6.7), all in UTC. Nobody is to send the second and the third any more; all are to be read. */
const DATES = [
  new RegExp(`^(?:${DAYS}), (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^(?:${LONG_DAYS}), (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^(?:${DAYS}) ${MONTH} (?<day>\\d\\d| \\d) ${TIME} (?<year>\\d{4})$`),
];
/** The comma in a date is behind the name of a day, and no other one is behind a small letter. */
const BETWEEN_VALUES = /(?<![a-z]),/;

/**
 * The wait that a Retry-After header (RFC 9110, 10.2.3: seconds, or a date) asks for, in ms, at most `mostMs`. 0 where
 * it asks for none: it is not there, its moment has gone by, or it is of another form. One that is repeated counts
 * once; where its values differ, none does.
 */
export function retryAfterMs(
  header: string | readonly string[] | undefined,
  mostMs: number,
  now = Date.now(),
): number {
  const values = [header ?? []].flat().flatMap((line) => line.split(BETWEEN_VALUES));
  const [value = '', ...others] = new Set(values.map((text) => text.trim()));
  if (others.length > 0) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : (dateMs(value, now) ?? now) - now;
  return Math.min(Math.max(0, ms), mostMs);
}

/** Since the epoch; undefined for what is no HTTP-date. */
function dateMs(text: string, now: number): number | undefined {
  const parts = DATES.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (parts === undefined) return undefined;
  const { year = '', month = '', day, hour, minute, second } = parts;
  const fullYear = year.length === 4 ? Number(year) : nearestYear(Number(year), new Date(now));
  const midnight = Date.UTC(fullYear, MONTHS.indexOf(month), Number(day));
  if (new Date(midnight).getUTCDate() !== Number(day)) return undefined; // there is no 31 February
  return midnight + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
}

/** The latest year with these last two digits that is at most 50 years to come. */
function nearestYear(digits: number, now: Date): number {
  const latest = now.getUTCFullYear() + 50;
  return latest - ((latest - digits) % 100);
}
