/**
 * Draws `docs/demo.svg`, the picture of the README, from what `npm run demo` prints: each step with its first and its last check.
 * Run `node dev/picture.ts`; with a path, it reads a transcript from that file instead of running the demo.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';

type Step = { readonly title: string; readonly checks: readonly string[] };

const WIDTH = 800;
const PADDING = 24;
const LINE_HEIGHT = 20;
/** Characters of a line at 13 px in a monospaced font. */
const COLUMNS = 96;

const transcript = (path: string | undefined): string => {
  if (path !== undefined) return readFileSync(path, 'utf8');
  const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'dev/demo.ts')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the demo ended with ${status}`);
  return stdout;
};

/** Shortens hashes and addresses, and truncates text that does not fit on a line. */
const shorten = (text: string): string => {
  const short = text.replace(/0x([0-9a-fA-F]{4})[0-9a-fA-F]{32,60}([0-9a-fA-F]{4})/g, '0x$1…$2');
  return short.length > COLUMNS ? `${short.slice(0, COLUMNS - 1)}…` : short;
};

const stepsOf = (text: string): readonly Step[] =>
  text
    .split(/\n(?= ?\d+\. )/)
    .slice(1)
    .map((part) => {
      const [title = '', ...lines] = part.trim().split('\n');
      const all = lines.filter((line) => /^ +✓ /.test(line)).map((line) => line.trim().slice(2));
      return { title, checks: [...new Set([all[0] ?? '', all.at(-1) ?? ''])] };
    });

const escape = (text: string): string =>
  text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const text = transcript(process.argv[2]);
const [end] = /^All checks passed in [0-9.]+ s/m.exec(text) ?? [];
if (end === undefined || text.includes('✗')) throw new Error('a check of the demo failed');

let y = PADDING + LINE_HEIGHT;
const lines: string[] = [];
const write = (kind: string, indent: number, content: string): void => {
  lines.push(`  <text class="${kind}" x="${PADDING + indent}" y="${y}">${content}</text>`);
  y += LINE_HEIGHT;
};
write('dim', 0, '$ npm run demo');
for (const { title, checks } of stepsOf(text)) {
  y += LINE_HEIGHT / 3;
  write('title', 0, escape(shorten(title)));
  for (const check of checks) {
    write('text', 24, `<tspan class="good">✓</tspan> ${escape(shorten(check))}`);
  }
}
y += LINE_HEIGHT / 3;
write('title', 0, escape(end));

const height = Math.round(y + PADDING - LINE_HEIGHT / 2);
const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">
  <title id="title">What npm run demo prints: ten steps from an unpaid request to a verified audit log</title>
  <style>
    rect { fill: #f6f8fa; stroke: #d0d7de }
    text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }
    .title { fill: #1f2328; font-weight: 600 }
    .text { fill: #424a53 }
    .dim { fill: #59636e }
    .good { fill: #1a7f37 }
    @media (prefers-color-scheme: dark) {
      rect { fill: #151b23; stroke: #3d444d }
      .title { fill: #f0f6fc }
      .text { fill: #c9d1d9 }
      .dim { fill: #9198a1 }
      .good { fill: #3fb950 }
    }
  </style>
  <rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
${lines.join('\n')}
</svg>
`;
writeFileSync(join(ROOT, 'docs/demo.svg'), picture);
console.log(`docs/demo.svg: ${lines.length} lines`);
