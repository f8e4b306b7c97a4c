import { basename, dirname, extname, join, posix, relative } from 'node:path';
import { err, ok, type Result } from '../../core/result.ts';

/** The names that the entry of a Worker with the gateway exports: its Durable Object classes and its loopback entrypoint. */
const EXPORTS = ['AgentAccount', 'AuditLog', 'Relayer', 'SettlementRequests'] as const;

const FROM_PACKAGE = /\bexport\s*\{([^}]*)\}\s*from\s*(['"])countersign\/worker\2/;

/** Whether the gateway is in this module already. */
export const isMounted = (source: string): boolean => /['"]countersign\/worker['"]/.test(source);

/** Adds the exports that an entry of an earlier release lacks. */
export const withAllExports = (source: string): string =>
  source.replace(FROM_PACKAGE, (statement, names: string, quote: string) => {
    const present = names.split(',').map((name) => name.trim());
    if (EXPORTS.every((name) => present.includes(name))) return statement;
    const all = [...new Set([...present.filter((name) => name !== ''), ...EXPORTS])];
    return `export { ${all.join(', ')} } from ${quote}countersign/worker${quote}`;
  });

/**
 * Whether a module can be the `next` of the gateway: an ES module whose default export is an object with handlers, however it was made (a
 * Hono app, an object literal, the result of a function). This needs no parser, because the module itself stays as it is.
 *
 * @returns the reason why it cannot
 */
export const mountFault = (source: string): string | undefined => {
  const code = codeOf(source);
  const declared = /\bexport\s+default\s+(?:async\s+|abstract\s+)?(function|class)\b/.exec(
    code,
  )?.[1];
  const arrow = /\bexport\s+default\s+(?:async\s+)?(?:\([^()]*\)|[\w$]+)\s*(?::[^=;]*)?=>/.test(
    code,
  );
  const name =
    /\bexport\s+default\s+([\w$]+)\s*(?:;|$|\n)/.exec(code)?.[1] ??
    /\bexport\s*\{[^}]*?([\w$]+)\s+as\s+default\b[^}]*\}(?!\s*from)/.exec(code)?.[1];
  const kind = (word: string): boolean =>
    name !== undefined && new RegExp(`\\b${word}\\s+${name.replaceAll('$', '\\$')}\\b`).test(code);
  if (declared === 'class' || kind('class'))
    return 'its default export is a class (WorkerEntrypoint)';
  if (declared === 'function' || arrow || kind('function'))
    return 'its default export is a function';
  if (!/\bexport\s+default\b|\bexport\s*\{[^}]*\bdefault\b[^}]*\}/.test(code))
    return /\baddEventListener\s*\(/.test(code)
      ? 'it is a service worker (addEventListener), not a module'
      : 'it has no default export';
  const taken = EXPORTS.find((each) =>
    new RegExp(
      `\\bexport\\s+(?:abstract\\s+)?(?:class|const|let|function)\\s+${each}\\b|\\bexport\\s*\\{[^}]*\\b${each}\\b`,
    ).test(code),
  );
  return taken === undefined ? undefined : `it exports ${taken}, which is a name of the gateway`;
};

/** A module without its comments and the contents of its strings, so that words in them count for nothing. */
const codeOf = (source: string): string =>
  source.replaceAll(
    /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[^])*`/g,
    (token) => (token.startsWith('/') ? ' ' : "''"),
  );

const SCRIPTS: Readonly<Record<string, string>> = { '.ts': '.js', '.tsx': '.js', '.mts': '.mjs' };

/** A new main module, next to the one that it wraps. */
export type Entry = { readonly path: string; readonly text: string };

const MODULE = /\.(?:ts|tsx|mts|js|jsx|mjs)$/;

/**
 * Drafts the new main module.
 *
 * @param main of the configuration, relative to its directory
 * @param classes names of the classes that the Worker binds: the types of wrangler find only what a module exports by name
 * @param cron the cron expression of the gateway, if it is not the usual one
 * @param isTaken whether a file exists
 * @returns the reason why there is none
 */
export const draftEntry = (
  main: string,
  classes: readonly string[],
  cron: string | undefined,
  isTaken: (path: string) => boolean,
): Result<Entry, string> => {
  const extension = extname(main);
  if (!MODULE.test(main)) return err('it is neither TypeScript nor JavaScript');
  const folder = isGenerated(main) ? 'src' : posix.normalize(dirname(main));
  const path = ['gateway', 'countersign']
    .map((name) => posix.join(folder, name + extension.replace('x', '')))
    .find((each) => !isTaken(each));
  if (path === undefined) return err(`${folder} has the files gateway and countersign already`);
  const specifier = (to: string): string => {
    const found = relative(folder, to).replaceAll('\\', '/');
    return found.startsWith('.') ? found : `./${found}`;
  };
  // TypeScript and esbuild find `index.ts` by the name `index.js`, with any module resolution.
  const script = SCRIPTS[extension] ?? extension;
  const app = specifier(join(dirname(main), basename(main, extension) + script));
  const options = [
    'tools',
    'next',
    ...(cron === undefined ? [] : [`cron: ${JSON.stringify(cron).replaceAll('"', "'")}`]),
  ];
  return ok({
    path,
    text: [
      `import tools from '${specifier('tools.json')}';`,
      "import { countersign } from 'countersign/worker';",
      `import next from '${app}';`,
      '',
      `export * from '${app}';`,
      ...(classes.length === 0 ? [] : [`export { ${classes.join(', ')} } from '${app}';`]),
      `export { ${EXPORTS.join(', ')} } from 'countersign/worker';`,
      `export default countersign({ ${options.join(', ')} });`,
      '',
    ].join('\n'),
  });
};

/** A build writes the folder anew, so a file of ours would be lost there. */
const isGenerated = (main: string): boolean =>
  /^(?:\.(?!\/)[^/]*|dist|build|out)\//.test(posix.normalize(main));
