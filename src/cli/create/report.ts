import { basename, join, relative } from 'node:path';
import { type Check, checkLines } from '../lib/checks.ts';
import { missingText, type NeededSecret, putText } from '../lib/needed-secrets.ts';
import { proseWidth } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { printable, wrapped } from '../lib/text.ts';

export type Report = {
  readonly written: readonly string[];
  readonly unchanged: readonly string[];
  readonly checks: readonly Check[];
  readonly notes: readonly string[];
  readonly skipped: readonly string[];
  readonly secrets: readonly NeededSecret[];
  readonly keys: readonly { readonly name: string; readonly file: string }[];
  readonly isNew: boolean;
  readonly isLocal: boolean;
};

/** Prints what the command wrote, and the next steps. */
export const reportProject = (session: Session, directory: string, report: Report): void => {
  const { out } = session;
  const { written, unchanged, checks, notes, skipped, secrets, keys, isNew, isLocal } = report;
  const folder = relative(session.directory, directory);
  const steps = [
    ...(folder === '' ? [] : [`cd ${quoted(folder)}`]),
    ...(isNew || written.includes('package.json') ? ['npm install'] : []),
    'npm run dev',
    ...secrets.map((each) => `npx ${putText(each)}`),
  ];
  const document = { directory, written, unchanged, checks, notes, skipped, keys, next: steps };
  out.result(document, () => {
    const { style } = out;
    const prose = (text: string, indent = ''): string => wrapped(text, proseWidth(out), indent);
    const files = (how: string, names: readonly string[]): readonly string[] =>
      names.length === 0 ? [] : [prose(`${how} ${names.join(', ')}`, '  ')];
    const closing = [
      ...secrets.map(
        (each) =>
          `Calls get 503 until you store it: ${missingText(each)}. Store it while \`npm run dev\` runs, in another terminal.`,
      ),
      ...keys.map(
        ({ name, file }) =>
          `The key ${name} is encrypted in ${file}: back up the file and its password.`,
      ),
      ...(written.includes('.dev.vars')
        ? ['.dev.vars holds private keys: keep the file secret, and back it up.']
        : []),
      ...(isLocal
        ? [
            'Your API is on this machine. Before you deploy, set UPSTREAM_URL in wrangler.toml to its public address.',
          ]
        : []),
      `${join(basename(directory), 'README.md')} explains how to sell and deploy.`,
    ];
    return [
      ...(checks.length === 0 ? [] : [checkLines(out, checks), '']),
      ...fewOf(notes).map((line) => prose(`${style.warn('note')} ${line}`, '     ')),
      ...fewOf(skipped).map((line) => prose(`${style.warn('skip')} ${line}`, '     ')),
      ...files(style.good('wrote'), written),
      ...files(style.dim('unchanged'), unchanged),
      '',
      'Next:',
      ...steps.map((step) => `  ${style.accent(step)}`),
      '',
      ...closing.map((note) => style.dim(prose(note))),
    ].join('\n');
  });
};

const MAX_LINES = 10;

const fewOf = (lines: readonly string[]): readonly string[] => [
  ...lines.slice(0, MAX_LINES).map(printable),
  ...(lines.length > MAX_LINES ? [`and ${lines.length - MAX_LINES} more`] : []),
];

const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : JSON.stringify(path));
