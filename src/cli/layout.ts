import type { Milliseconds } from '../lib/duration.ts';

const GAP = '  ';
const NARROWEST = 8;
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const segmenter = new Intl.Segmenter();

export function iso(at: Milliseconds): string {
  return new Date(at).toISOString();
}

/** Aligned columns under headings. Where a terminal is too narrow, columns lose their ends, but the first, an id, does not. */
export function table({
  headings,
  rows,
  width,
}: {
  headings: string[];
  rows: string[][];
  width: number | null;
}): string {
  const lines = [headings, ...rows].map((row) => row.map(printable));
  const widths = fit(
    headings.map((_, column) => Math.max(...lines.map((line) => displayWidth(line[column] ?? '')))),
    width,
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => pad(cut(cell, widths[column] ?? 0), widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

/** One labelled line per value; null leaves the line out, a list takes a line per item. */
export function details(fields: [label: string, value: string | string[] | null][]): string {
  const shown = fields.filter(([, value]) => value !== null);
  const width = Math.max(0, ...shown.map(([label]) => label.length));
  return shown
    .flatMap(([label, value]) => {
      const [first = 'none', ...others] = [value].flat().map((line) => printable(line ?? ''));
      return [`${pad(label, width)}${GAP}${first}`, ...others.map((other) => `${pad('', width)}${GAP}${other}`)];
    })
    .join('\n');
}

/** Names come from people: what would move a terminal's cursor or change its colours is shown, not sent. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function fit(widths: number[], available: number | null): number[] {
  const fitted = [...widths];
  const total = () => fitted.reduce((sum, each) => sum + each, GAP.length * (fitted.length - 1));
  while (available !== null && total() > available) {
    const widest = Math.max(...fitted.slice(1));
    if (widest <= NARROWEST) break;
    fitted[fitted.indexOf(widest, 1)] = widest - 1;
  }
  return fitted;
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const { segment } of segmenter.segment(text)) {
    if (displayWidth(kept + segment) >= width) break;
    kept += segment;
  }
  return `${kept}…`;
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

function displayWidth(text: string): number {
  return [...segmenter.segment(text)].reduce((sum, { segment }) => sum + (WIDE.test(segment) ? 2 : 1), 0);
}
