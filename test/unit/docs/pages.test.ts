import { describe, expect, it } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import imports from '../../../dev/imports.ts?raw';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import suites from '../../../dev/test.ts?raw';
import manifest from '../../../package.json';
import createManifest from '../../../packages/create-countersign/package.json';
import { commands as commandTree } from '../../../src/cli/commands.ts';
import type { CommandTree } from '../../../src/cli/lib/command.ts';
import { errorPages } from '../../../src/client/error-words.ts';
import { placeholdersIn } from '../../../src/dashboard/format/placeholders.ts';
import { accountRuleWords } from '../../../src/protocol/problem/account-rule.ts';
import { EVERY_RULE } from '../policy/every-rule.ts';

/** Every document by its path in the repository. */
const PAGES = new Map(
  Object.entries(
    import.meta.glob(['../../../*.md', '../../../docs/*.md', '../../conformance/*.md'], {
      query: '?raw',
      import: 'default',
      eager: true,
    }),
  ).map(([path, text]) => [fromRoot(path), text]),
);

const FILES = Object.keys(
  import.meta.glob([
    '../../../*',
    '../../../.ci/*',
    '../../../{src,durable-objects,dev,docs,examples}/**/*',
    '../../**/*',
  ]),
).map(fromRoot);

function fromRoot(path: string): string {
  return new URL(path, 'file:///test/unit/docs/').pathname.slice(1);
}

/** Tells whether a path names a file or a folder of the repository. */
const exists = (path: string): boolean =>
  FILES.some((file) => file === path || file.startsWith(`${path.replace(/\/$/, '')}/`));

/** Scripts of a project that `npm create countersign` writes. */
const PROJECT_SCRIPTS = ['dev', 'deploy'];

/** The sources that define command line options: the commands, and the rules of a policy. */
const CLI_FILES = import.meta.glob(['../../../src/{cli,policy}/**/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const CLI = Object.values(CLI_FILES).join('\n');

/** Every command, i.e. every word that may follow `countersign`. */
const COMMANDS: CommandTree[string] = Object.assign({}, ...Object.values(commandTree));

/**
 * The subcommands of a command: the keys of `commands` in its file. The file cannot be imported, because it imports modules that workerd
 * lacks.
 */
const commandsOf = (noun: string): readonly string[] => {
  const text = CLI_FILES[`../../../src/cli/${noun}.ts`] ?? '';
  const [, keys = ''] = /^ {2}commands: \{([^}]*)\}/m.exec(text) ?? [];
  return keys.split(',').map((key) => key.split(':')[0]?.replaceAll("'", '').trim() ?? '');
};

/** The anchors that GitHub derives from a page's headings. */
const anchorsOf = (text: string): ReadonlySet<string> =>
  new Set(
    [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

/** A page without its code blocks. */
const prose = (text: string): string => text.replaceAll(/^```.*?^```/gms, '');

/** The sources of dashboard pages that show commands to copy. */
const SCREENS = Object.entries(
  import.meta.glob(['../../../src/dashboard/**/*.tsx'], {
    query: '?raw',
    import: 'default',
    eager: true,
  }),
).filter(([, text]) => text.includes('npx countersign'));

describe.each([...PAGES, ...SCREENS.map(([path, text]) => [fromRoot(path), text] as const)])(
  'the command line in %s',
  (_, text) => {
    it('has the commands that are named', () => {
      for (const [, command = '', verb] of text.matchAll(
        /(?:`|npx )countersign ([a-z]+)(?: ([a-z-]+))?/g,
      )) {
        const node = COMMANDS[command];
        expect(node, command).toBeDefined();
        if (verb !== undefined && typeof node === 'object')
          expect(commandsOf(command), command).toContain(verb);
      }
    });

    it('has the options that are named', () => {
      const used = [...text.matchAll(/countersign [^`\n;&#]*/g)].flatMap(([line]) =>
        [...line.matchAll(/ (--[a-z-]+)/g)].map(([, option = '']) => option),
      );
      expect(
        used.filter((option) => !CLI.includes(`${option} `) && !CLI.includes(`${option}'`)),
      ).toEqual([]);
    });
  },
);

it('explains each word that a person replaces in a command of the dashboard', () => {
  for (const [path, text] of SCREENS)
    for (const [command] of text.matchAll(/npx countersign [^`\n&;|"]*/g)) {
      expect(command, path).not.toMatch(/…|<[a-z]+>/);
      for (const [word] of command.matchAll(/(?<= )[A-Z][A-Z_]+(?= |$)/g))
        expect(placeholdersIn(word), `${word} in ${path}`).toHaveLength(1);
    }
});

describe.each([...PAGES])('%s', (name, text) => {
  it('links to files and headings that exist', () => {
    for (const [, link = ''] of prose(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? name : new URL(path, `file:///${name}`).pathname.slice(1);
      expect(exists(target), link).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(PAGES.get(target) ?? ''), link).toContain(anchor);
    }
  });

  it('names files and folders that exist', () => {
    const named = text.matchAll(/`((?:src|durable-objects|dev|test|docs|examples)\/[\w./-]*)`/g);
    expect([...named].map(([, path = '']) => path).filter((path) => !exists(path))).toEqual([]);
  });

  it('names scripts of package.json', () => {
    for (const [, script = ''] of text.matchAll(/npm run ([\w:-]+)/g))
      expect([...Object.keys(manifest.scripts), ...PROJECT_SCRIPTS], script).toContain(script);
  });

  it('names the command that makes its figures', () => {
    for (const section of prose(text).split(/^## /m))
      if (/\d µs|CPU of a call|\bp(?:50|99)\b/.test(section))
        expect(/npm (?:run|x|test)/.test(section), section.split('\n')[0]).toBe(true);
  });

  it('cites nothing outside the repository', () => {
    expect(/design §|\bfacts\/|issue \d/i.exec(text)?.[0]).toBeUndefined();
    expect(/^(?:<{7}|>{7})/m.test(text), 'a merge conflict').toBe(false);
  });
});

describe('the code', () => {
  const sources = Object.values(
    import.meta.glob(['../../../{src,durable-objects,dev,examples}/**/*.{ts,py}'], {
      query: '?raw',
      import: 'default',
      eager: true,
    }),
  ).join('\n');

  it('cites laws, sections and documents that exist', () => {
    const laws = [...sources.matchAll(/\blaws? (\d+)(?: (?:and|to) (\d+))?/g)];
    expect(laws.length).toBeGreaterThan(50);
    for (const [citation, ...numbers] of laws)
      for (const number of numbers) expect(Number(number ?? 1), citation).toBeLessThanOrEqual(13);
    for (const [, name = '', section] of sources.matchAll(
      /\b((?:docs\/[a-z-]+|[A-Z]{6,})\.md)(?:,? §(\d+))?/g,
    )) {
      expect(PAGES.get(name), name).toBeDefined();
      if (section !== undefined) {
        const heading = new RegExp(`^## ${section} `, 'm');
        expect(heading.test(PAGES.get(name) ?? ''), `${name} §${section}`).toBe(true);
      }
    }
  });
});

describe('docs/index.md', () => {
  it('lists every page', () => {
    const links = [...(PAGES.get('docs/index.md') ?? '').matchAll(/\]\(([^)#\s]+)/g)];
    const listed = new Set(
      links.map(([, path = '']) => new URL(path, 'file:///docs/index.md').pathname.slice(1)),
    );
    const pages = [...PAGES.keys()].filter((name) => name !== 'docs/index.md');
    expect(pages.filter((name) => !listed.has(name))).toEqual([]);
  });
});

describe('the published packages', () => {
  const [citation] = Object.values(
    import.meta.glob(['../../../CITATION.cff'], { query: '?raw', import: 'default', eager: true }),
  );

  it('have one version, which CITATION.cff names', () => {
    expect(createManifest.version).toBe(manifest.version);
    expect(citation).toContain(`\nversion: ${manifest.version}\n`);
  });
});

describe('docs/cli.md', () => {
  it('has a row for every command', () => {
    const [, table = ''] = /^\| I want to \|(.*?)\n\n/ms.exec(PAGES.get('docs/cli.md') ?? '') ?? [];
    const named = [...table.matchAll(/(?:`|countersign )([a-z]+)/g)].map(([, name]) => name);
    expect(Object.keys(COMMANDS).filter((name) => !named.includes(name))).toEqual([]);
  });
});

describe('STORAGE.md', () => {
  it('names the files of the stored nouns', () => {
    const named = (PAGES.get('STORAGE.md') ?? '').matchAll(/`((?:account|store)\/[\w./-]+)`/g);
    const paths = [...named].map(([, path = '']) => `durable-objects/${path}`);
    expect(paths.length).toBeGreaterThan(10);
    expect(paths.filter((path) => !exists(path))).toEqual([]);
  });

  it('has a row for every stored noun, with its file', () => {
    const rows = (PAGES.get('STORAGE.md') ?? '').split('\n');
    const nouns = Object.entries(
      import.meta.glob(['../../../durable-objects/**/*.ts'], {
        query: '?raw',
        import: 'default',
        eager: true,
      }),
    ).flatMap(([path, text]) =>
      [...text.matchAll(/: Noun<.*> = \{\n {2}name: '([\w-]+)'/g)].map(
        ([, noun = '']) => [noun, path.split('/').at(-1) ?? ''] as const,
      ),
    );
    expect(nouns.length).toBeGreaterThan(20);
    const missing = nouns.filter(
      ([noun, file]) =>
        !rows.some((row) => row.startsWith(`| \`${noun}\` |`) && row.includes(`${file}\``)),
    );
    expect(missing).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  it('lists the thirteen laws, each with its tests', () => {
    const [, laws = ''] = /^## Laws\n(.*?)^## /ms.exec(PAGES.get('ARCHITECTURE.md') ?? '') ?? [];
    const items = laws.split(/^(?=\d+\. )/m).slice(1);
    expect(items.map((item) => Number.parseInt(item, 10))).toEqual(
      Array.from({ length: 13 }, (_, index) => index + 1),
    );
    for (const item of items) expect(item).toMatch(/`test\//);
  });

  it('lists the layers as the check of imports has them', () => {
    const [, layers = ''] = /const LAYERS = \[(.*?)\]/s.exec(imports) ?? [];
    const [, table = ''] =
      /^\| layer.*?\n(.*?)\n\n/ms.exec(PAGES.get('ARCHITECTURE.md') ?? '') ?? [];
    expect([...table.matchAll(/^\| `([^`]+)`/gm)].map(([, path]) => path)).toEqual(
      [...layers.matchAll(/'([^']+)'/g)].map(([, path]) => path),
    );
  });
});

/** The names in the first column of the tables of a page. */
const namesIn = (name: string): ReadonlySet<string | undefined> =>
  new Set(
    [...(PAGES.get(name) ?? '').matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word),
    ),
  );

describe('docs/policy.md', () => {
  it('has every field and every denial of the rules', () => {
    const names = EVERY_RULE.flatMap(({ shape, denials }) => Object.keys({ ...shape, ...denials }));
    expect(names.length).toBeGreaterThan(20);
    const documented = namesIn('docs/policy.md');
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
  });
});

describe('docs/troubleshooting.md', () => {
  const documented = namesIn('docs/troubleshooting.md');

  it('explains every problem of the wire format', () => {
    const [, table = ''] =
      /problems-start -->(.*)<!-- problems-end/s.exec(PAGES.get('docs/wire-format.md') ?? '') ?? [];
    const names = [...table.matchAll(/^\| (`.*?) \| \d/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name.replaceAll('_', '-')),
    );
    expect(names.length).toBeGreaterThan(50);
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
  });

  it('explains every denial by the account, and every error of the client', () => {
    const names = [...Object.keys(accountRuleWords), ...Object.keys(errorPages)];
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
  });
});

describe('CONTRIBUTING.md', () => {
  it('lists projects of tests that some command runs, all of them', () => {
    const [, table = ''] =
      /\| project \|[^\n]*\n(.*?)\n\n/s.exec(PAGES.get('CONTRIBUTING.md') ?? '') ?? [];
    const projects = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name);
    expect(projects).toContain('workerd');
    const commands = `${suites} ${manifest.scripts['test:browser']}`;
    const isRun = (name: string): boolean =>
      new RegExp(`'${name}'|--project ${name}\\b`).test(commands);
    expect(projects.filter((name) => !isRun(name))).toEqual([]);
  });
});
