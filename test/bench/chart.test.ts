import { expect, test } from 'vitest';
import { type BarChart, barChart, scale } from '../../bench/chart.ts';

const flat = (value: number) => ({ median: value, min: value - 1, max: value + 1 });
const chart: BarChart = {
  title: 'Runs & <programs>',
  note: 'a note',
  yLabel: 'runs a second',
  xLabel: 'at once',
  groups: ['1', '4'],
  series: [
    { name: 'ours', own: true, values: [flat(10), flat(40)] },
    { name: 'theirs', own: false, values: [flat(20), null] },
  ],
  reference: { name: 'floor', own: false, values: [flat(30), null] },
};

/** Tags that are open at the end, by the rules of XML for what the chart uses. */
function unclosed(svg: string): string[] {
  const open: string[] = [];
  for (const [, close, name = '', empty] of svg.matchAll(/<(\/?)([a-zA-Z]+)[^<>]*?(\/?)>/g))
    if (close) expect(open.pop()).toBe(name);
    else if (!empty) open.push(name);
  return open;
}

test('A chart is well-formed, with its texts escaped and its axes labelled', () => {
  const svg = barChart(chart);
  expect(unclosed(svg)).toEqual([]);
  expect(svg).toContain('>Runs &amp; &lt;programs&gt;</text>');
  for (const text of ['runs a second', 'at once', 'ours', 'theirs', 'floor', 'a note'])
    expect(svg).toContain(`>${text}</text>`);
});

test('There is a bar for each value that there is, as high as the value', () => {
  const svg = barChart(chart);
  const bars = [...svg.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="[\d.]+" height="([\d.]+)" rx="1.5"/g)];
  const [first = 0, second = 0, third = 0] = bars.map(([, height]) => Number(height));
  expect(bars).toHaveLength(3);
  expect(second / first).toBeCloseTo(2, 1);
  expect(third / first).toBeCloseTo(4, 1);
  // The dashed line: once in the legend, once in the group that has a value.
  expect(svg.match(/<line class="reference"/g)).toHaveLength(2);
});

test('It has colours for a light and for a dark page', () => {
  expect(barChart(chart)).toContain('@media (prefers-color-scheme: dark)');
});

test('The axis goes in round steps to the largest value or a little above', () => {
  expect(scale(2303)).toEqual({ step: 500, end: 2500 });
  expect(scale(100)).toEqual({ step: 20, end: 100 });
  expect(scale(0.7)).toEqual({ step: 0.2, end: 0.8 });
  expect(scale(0)).toEqual({ step: 1, end: 1 });
});
