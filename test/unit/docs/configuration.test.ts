import { expect, test } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import page from '../../../docs/configuration.md?raw';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import worker from '../../../wrangler.toml?raw';
import { VARIABLES } from '../../../src/config/config.ts';

const without = (names: ReadonlySet<string>): readonly string[] =>
  VARIABLES.filter((name) => !names.has(name));

test('docs/configuration.md has a row for every variable', () => {
  const cells = [...page.matchAll(/^\| (`[A-Z].*?) \|/gm)].flatMap(([, cell = '']) => [
    ...cell.matchAll(/`([A-Z_]+)`/g),
  ]);
  expect(without(new Set(cells.map(([, name = '']) => name)))).toEqual([]);
});

test('wrangler.toml has every variable, and names every secret', () => {
  const [, vars = '', secrets = ''] =
    /^\[vars\]\n(.*)^\[secrets\]\n(.*?)^\[\[/ms.exec(worker) ?? [];
  const names = [...vars.matchAll(/^([A-Z_]+) = /gm), ...secrets.matchAll(/\b([A-Z_]{4,})\b/g)];
  expect(without(new Set(names.map(([, name = '']) => name)))).toEqual([]);
});
