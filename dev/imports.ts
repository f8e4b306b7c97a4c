/**
 * Checks the import graph of the source: no import runs from a lower layer to a higher one, and no files import each other in a circle.
 * Imports of types count as well. Prints each violation and ends with 1 if there is one; run by `npm run check`.
 */
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { ROOT } from './root.ts';

/** From low to high. A file belongs to the longest prefix that matches its path. */
const LAYERS = [
  'src/core/',
  'src/tracing/',
  'src/crypto/',
  'src/protocol/',
  'src/policy/',
  'src/settlement/',
  'src/audit/',
  'src/catalog/',
  'src/remote/',
  'src/vault/',
  'src/cards/',
  'src/webhooks/',
  'src/config/',
  'src/outages/',
  'src/screening/',
  'src/signer/',
  'durable-objects/',
  'src/gateway/',
  'src/facilitator/',
  'src/mcp/',
  'src/discovery/',
  'src/management/',
  'src/tool-import/',
  'src/signer/worker/',
  'src/signer/index.ts',
  'src/worker/',
  'src/index.ts',
  'src/client/',
  'src/dashboard/format/',
  'src/dashboard/session/',
  'src/dashboard/payment/',
  'src/dashboard/data/',
  'src/dashboard/',
  'src/pay/',
  'src/cli/',
  'dev/',
] as const;

const layerOf = (file: string): number => {
  const prefixes = LAYERS.filter((layer) => file.startsWith(layer));
  const longest = prefixes.toSorted((a, b) => b.length - a.length)[0];
  if (longest === undefined) throw new Error(`${file} belongs to no layer`);
  return LAYERS.indexOf(longest);
};

/** The files of the tree that a file imports: statements, exports from another file, and `import()` of a literal. */
const importsOf = (file: string): readonly string[] => {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const { module } = parseSync(file, text);
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) =>
    text.slice(start + 1, end - 1),
  );
  const named = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...dynamic,
  ];
  return [...new Set(named)]
    .filter((path) => path.startsWith('.') && /\.tsx?$/.test(path))
    .map((path) => join(dirname(file), path));
};

const graph = new Map<string, readonly string[]>();
for await (const file of glob('{src,durable-objects,dev}/**/*.{ts,tsx}', { cwd: ROOT })) {
  graph.set(file, importsOf(file));
}

const upward = [...graph].flatMap(([file, imports]) =>
  imports
    .filter((to) => graph.has(to) && layerOf(to) > layerOf(file))
    .map((to) => `${file} imports ${to}, which is in a higher layer`),
);

/** Groups of files that import each other in a circle: the strongly connected components of the graph (Tarjan, 1972). */
const circles: (readonly string[])[] = [];
const seen = new Map<string, number>();
const open: string[] = [];
const visit = (file: string): number => {
  const index = seen.size;
  seen.set(file, index);
  open.push(file);
  let lowest = index;
  for (const to of graph.get(file) ?? []) {
    const known = seen.get(to);
    if (known === undefined && graph.has(to)) lowest = Math.min(lowest, visit(to));
    else if (known !== undefined && open.includes(to)) lowest = Math.min(lowest, known);
  }
  if (lowest === index) {
    const circle = open.splice(open.indexOf(file));
    if (circle.length > 1 || graph.get(file)?.includes(file) === true) circles.push(circle);
  }
  return lowest;
};
for (const file of graph.keys()) if (!seen.has(file)) visit(file);

for (const violation of upward) console.error(violation);
for (const circle of circles) console.error(`circle: ${circle.toSorted().join(', ')}`);
console.error(
  `${graph.size} files, ${upward.length} imports of a higher layer, ${circles.length} circles`,
);
process.exitCode = upward.length + circles.length === 0 ? 0 : 1;
