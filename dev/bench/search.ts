import { createToolIndex, type SearchedTool } from '../../src/mcp/tool-index.ts';

/**
 * `npm run bench:search`: CPU time of `search_tools` over 10,000 tools, ten times the largest catalogue: to index them, to compute what a
 * caller sees, and to search. Words are as unevenly frequent as in texts, so queries of frequent words match thousands of tools.
 */
const TOOLS = 10_000;
const WORDS_PER_TOOL = 25;
const SEARCHES = 500;

const FREQUENT =
  'create list get update delete user invoice payment customer card order refund product price file image text translate weather search email message report calendar'.split(
    ' ',
  );
const VOCABULARY = [...FREQUENT, ...Array.from({ length: 3_000 }, (_, at) => `term${at}`)];

/** A generator with a fixed seed (Park and Miller, 1988): every run indexes the same tools. */
let seed = 1;
const uniform = (): number => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};
const word = (): string => VOCABULARY[Math.floor(VOCABULARY.length * uniform() ** 3)] ?? '';

const catalogue = Array.from({ length: TOOLS }, (_, at): SearchedTool => {
  const id = `${word()}.${word()}.${at}`;
  return { id, name: id, text: Array.from({ length: WORDS_PER_TOOL }, word).join(' ') };
});

/** CPU microseconds of some work, once. */
const cpuOf = (work: () => void): number => {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user;
};

const print = (name: string, microseconds: number): void =>
  console.log(`${name.padEnd(52)} ${microseconds.toFixed(0).padStart(9)} µs`);

let index = createToolIndex([]);
print(
  `index ${TOOLS} tools`,
  cpuOf(() => {
    index = createToolIndex(catalogue);
  }),
);
const everySecond = catalogue.filter((_, at) => at % 2 === 0).map(({ id }) => id);
const all = index.view(catalogue.map(({ id }) => id));
const half = index.view(everySecond);
print(
  'compute what a caller sees',
  cpuOf(() => {
    index.view(everySecond);
  }),
);
for (const query of ['term1500', 'translate text', 'refund invoice customer', 'list']) {
  for (const [seen, view] of [
    ['all', all],
    ['half', half],
  ] as const) {
    const { matches } = index.search(query, view, 20);
    const spent = cpuOf(() => {
      for (let at = 0; at < SEARCHES; at += 1) index.search(query, view, 20);
    });
    print(`"${query}", ${seen} visible: ${matches} matches`, spent / SEARCHES);
  }
}
