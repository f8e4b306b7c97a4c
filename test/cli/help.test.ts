import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { commands } from '../../src/cli/commands.ts';
import { type CommandSpec, loadCommands } from '../../src/cli/lib/command.ts';
import { programOf } from '../../src/cli/lib/program.ts';

const specs = await loadCommands(commands, 'all');

type Stream = NodeJS.WriteStream & { readonly written: string[] };

const streamOf = (columns: number | undefined): Stream => {
  const written: string[] = [];
  return {
    written,
    isTTY: columns !== undefined,
    columns,
    write: (text: string) => written.push(text),
  } as unknown as Stream;
};

const parserAt = (
  columns: number | undefined,
): { readonly program: Command; readonly out: Stream } => {
  const out = streamOf(columns);
  const process = { stdout: out, stderr: out, env: { NO_COLOR: '1' }, argv: [] };
  const program = programOf(specs, '0', process as unknown as NodeJS.Process, () => undefined);
  return { program, out };
};

type Named = { readonly path: string; readonly spec: CommandSpec };

const named: readonly Named[] = specs.flatMap((spec) => [
  { path: spec.name, spec },
  ...(spec.commands ?? []).map((child) => ({ path: `${spec.name} ${child.name}`, spec: child })),
]);

/** The arguments of the command in a shell line, without the pipes and redirections around it. */
const wordsOf = (example: string): readonly string[] | undefined => {
  const line = /(?:^|[|(] ?|npx )(countersign [^|>)]*)/.exec(example)?.[1];
  return line
    ?.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)
    ?.slice(1)
    .map((word) => word.replaceAll(/['"]/g, ''));
};

test.each(named)('$path has an example that its parser takes', async ({ path, spec }) => {
  expect(spec.examples?.length ?? 0).toBeGreaterThan(0);
  for (const example of spec.examples ?? []) {
    const words = wordsOf(example);
    // `npm create countersign` belongs to another package.
    if (words === undefined) continue;
    const { program } = parserAt(80);
    await expect(program.parseAsync(['node', 'countersign', ...words]), example).resolves.toBe(
      program,
    );
  }
  expect(spec.examples?.join('\n'), path).toContain(path.split(' ')[0] === 'create' ? '' : path);
});

/** Terms that every reader of API documentation knows. */
const EVERYDAY = new Set(
  ...[
    [
      'API',
      'URL',
      'JSON',
      'CSV',
      'MCP',
      'HTTP',
      'UTC',
      'USD',
      'YAML',
      'RPC',
      'GET',
      'POST',
      'CAIP',
    ],
  ],
);

test.each(named)('$path has a summary in plain words', async ({ spec, path }) => {
  const glossary = await readFile(join(ROOT, 'docs/glossary.md'), 'utf8');
  const terms = [...glossary.matchAll(/^\*\*(.+?)\.\*\*/gm)]
    .map(([, term]) => term ?? '')
    .join(' ');
  expect(spec.summary?.length, path).toBeGreaterThan(10);
  expect(spec.summary?.length, path).toBeLessThanOrEqual(90);
  const texts = [spec, ...(spec.arguments ?? []), ...(spec.options ?? [])];
  for (const { summary = '' } of texts) {
    const shouted = summary.match(/\b[A-Z][A-Z0-9]*[A-Z]\b(?!_)/g) ?? [];
    for (const word of shouted.filter((each) => !EVERYDAY.has(each)))
      expect(terms, `${path}: ${summary}`).toContain(word);
  }
});

const ALL = [...named.map(({ path }) => path.split(' ')), []];

test.each([80, 100, undefined])('keeps every help within 80 columns at %s', (columns) => {
  for (const path of ALL) {
    const { program, out } = parserAt(columns);
    const command = path.reduce<Command | undefined>(
      (at, name) => at?.commands.find((each) => each.name() === name),
      program,
    );
    command?.outputHelp();
    const long = out.written
      .join('')
      .split('\n')
      .filter((line) => [...line].length > 80);
    expect(long, path.join(' ')).toEqual([]);
    const shown = out.written.join('');
    expect(shown).toContain(
      path.length === 0 ? 'as owner:' : `Usage: countersign ${path.join(' ')}`,
    );
    expect(shown).toContain('--json');
  }
});

test('goes on behind a backslash where an example is too long for a line', () => {
  const { program, out } = parserAt(80);
  program.commands.find((each) => each.name() === 'mcp')?.outputHelp();
  const shown = out.written.join('');
  expect(shown).toMatch(/--max 0\.10 \\\n {5}--total 5 --approve-above 0\.02/);
});
