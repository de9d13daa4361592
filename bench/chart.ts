import type { Spread } from './statistics.ts';

/** A chart of grouped bars. Values may be missing. */
export interface BarChart {
  title: string;
  note: string;
  yLabel: string;
  xLabel: string;
  groups: string[];
  series: Series[];
  /** Drawn as a dashed line across each group instead of a bar. */
  reference?: Series | undefined;
}

export interface Series {
  name: string;
  /** Ours: in the strong colours, and with figures also where there is no room for those of all. */
  own: boolean;
  values: (Spread | null)[];
}

const WIDTH = 900;
const PLOT = { left: 64, right: 16, height: 260 };
const WIDEST_BAR = 56;
/** So many bars have room for their figures. */
const ROOMY = 18;
/** Colours that stand out from white and from near-black alike, also for eyes that tell red and green apart badly. */
const OWN = ['#2f74d0', '#74a9e8', '#3a9d9d', '#3b5fa8'];
const OTHERS = ['#c2691c', '#7d8590', '#8a63d2', '#b8963e', '#4d8f83'];

/** The chart as an SVG document that follows the reader's light or dark theme. */
export function barChart(chart: BarChart): string {
  const colours = coloursOf(chart.series);
  const legend = legendOf(chart, colours);
  const top = 56 + legend.height;
  const most = Math.max(
    0,
    ...[...chart.series, ...[chart.reference].filter((one) => one !== undefined)].flatMap(({ values }) =>
      values.map((value) => value?.max ?? 0),
    ),
  );
  const { step, end } = scale(most);
  const y = (value: number) => top + PLOT.height * (1 - value / end);
  const groupWidth = (WIDTH - PLOT.left - PLOT.right) / Math.max(1, chart.groups.length);
  const bottom = top + PLOT.height;
  const height = bottom + 76;
  const body = [
    text(PLOT.left, 26, chart.title, 'title'),
    ...legend.parts,
    ...Array.from({ length: Math.round(end / step) + 1 }, (_, tick) => {
      const at = y(tick * step);
      return `<line class="${tick === 0 ? 'axis' : 'grid'}" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${round(at)}" y2="${round(at)}"/>${text(PLOT.left - 8, at + 4, label(tick * step), 'tick end')}`;
    }),
    `<text class="label middle" transform="translate(16 ${round(top + PLOT.height / 2)}) rotate(-90)">${escaped(chart.yLabel)}</text>`,
    ...chart.groups.flatMap((name, group) => {
      const left = PLOT.left + group * groupWidth;
      return [
        ...bars(chart, colours, group, { left, width: groupWidth, y }),
        text(left + groupWidth / 2, bottom + 18, name, 'tick middle'),
      ];
    }),
    text((PLOT.left + WIDTH - PLOT.right) / 2, bottom + 40, chart.xLabel, 'label middle'),
    text(PLOT.left, bottom + 64, chart.note, 'note'),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(chart.title)}">
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .note { font-size: 11px } .figure { font-size: 10px }
.middle { text-anchor: middle } .end { text-anchor: end }
.tick, .note, .label { fill: #59636e } .grid { stroke: #d1d9e0 } .axis, .whisker { stroke: #59636e } .reference { stroke: #1f2328; stroke-width: 2; stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .tick, .note, .label { fill: #9198a1 } .grid { stroke: #3d444d } .axis, .whisker { stroke: #9198a1 } .reference { stroke: #f0f6fc }
}
</style>
${body.join('\n')}
</svg>
`;
}

interface Place {
  left: number;
  width: number;
  y(value: number): number;
}

function bars(
  chart: BarChart,
  colours: readonly string[],
  group: number,
  { left, width, y }: Place,
): string[] {
  const gap = Math.min(24, width * 0.12);
  const count = Math.max(1, chart.series.length);
  const each = Math.min(WIDEST_BAR, (width - 2 * gap) / count);
  const first = left + (width - count * each) / 2;
  const drawn = chart.series.flatMap(({ name, own, values }, index) => {
    const value = values[group];
    if (!value) return [];
    const x = first + index * each;
    const middle = round(x + each / 2);
    const told = `<title>${escaped(`${name}, ${chart.groups[group]}: ${label(value.median)} (${label(value.min)}–${label(value.max)})`)}</title>`;
    return [
      `<rect x="${round(x + 1)}" y="${round(y(value.median))}" width="${round(each - 2)}" height="${round(y(0) - y(value.median))}" rx="1.5" fill="${colours[index]}">${told}</rect>`,
      `<line class="whisker" x1="${middle}" x2="${middle}" y1="${round(y(value.max))}" y2="${round(y(value.min))}"/>`,
      ...(own || chart.groups.length * chart.series.length <= ROOMY
        ? [text(x + each / 2, y(value.max) - 5, label(value.median), 'figure middle')]
        : []),
    ];
  });
  const reference = chart.reference?.values[group];
  if (!reference) return drawn;
  const at = round(y(reference.median));
  return [
    ...drawn,
    `<line class="reference" x1="${round(left + gap / 2)}" x2="${round(left + width - gap / 2)}" y1="${at}" y2="${at}"/>`,
  ];
}

function legendOf(chart: BarChart, colours: readonly string[]): { parts: string[]; height: number } {
  const parts: string[] = [];
  let x = PLOT.left;
  let line = 48;
  const place = (name: string, mark: (x: number, y: number) => string) => {
    const width = 26 + name.length * 6.6;
    if (x + width > WIDTH - PLOT.right && x > PLOT.left) {
      x = PLOT.left;
      line += 20;
    }
    parts.push(mark(x, line), text(x + 18, line + 1, name, 'label'));
    x += width + 12;
  };
  for (const [index, { name }] of chart.series.entries())
    place(
      name,
      (at, y) =>
        `<rect x="${round(at)}" y="${y - 9}" width="12" height="12" rx="2" fill="${colours[index]}"/>`,
    );
  if (chart.reference)
    place(
      chart.reference.name,
      (at, y) =>
        `<line class="reference" x1="${round(at)}" x2="${round(at + 14)}" y1="${y - 3}" y2="${y - 3}"/>`,
    );
  return { parts, height: line - 34 };
}

function coloursOf(series: readonly Series[]): string[] {
  let own = 0;
  let others = 0;
  return series.map((one) => (one.own ? OWN[own++ % OWN.length] : OTHERS[others++ % OTHERS.length]) ?? '');
}

/** Round steps, and the first of them at or above the largest value. */
export function scale(most: number): { step: number; end: number } {
  if (!(most > 0)) return { step: 1, end: 1 };
  const power = 10 ** Math.floor(Math.log10(most / 5));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power * 5 >= most) ?? 10);
  return { step, end: step * Math.ceil(most / step - 1e-9) };
}

function text(x: number, y: number, content: string, classes: string): string {
  return `<text class="${classes}" x="${round(x)}" y="${round(y)}">${escaped(content)}</text>`;
}

const round = (value: number) => Math.round(value * 10) / 10;
const label = (value: number) =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
const escaped = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
