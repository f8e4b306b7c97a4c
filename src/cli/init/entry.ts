import { basename, dirname, extname, join, posix, relative } from 'node:path';
import { err, ok, type Result } from '../../core/result.ts';

/** The names that the entry of a Worker with the gateway exports: its Durable Object classes and its loopback entrypoint. */
export const EXPORTS = ['AgentAccount', 'AuditLog', 'Relayer', 'SettlementRequests'] as const;

/** Whether this module already contains the gateway. */
export const isMounted = (source: string): boolean => /['"]countersign\/worker['"]/.test(source);

const MODULE = /\.(?:ts|tsx|mts|js|jsx|mjs)$/;
const SCRIPTS: Readonly<Record<string, string>> = { '.ts': '.js', '.tsx': '.js', '.mts': '.mjs' };

/** A new main module, next to the one that it wraps. */
export type Entry = { readonly path: string; readonly text: string };

/**
 * Drafts the new main module.
 *
 * @param main of the configuration, relative to its directory
 * @param classes names of the classes that the Worker binds: the types of wrangler find only what a module exports by name
 * @param cron the cron expression of the gateway, if it is not the usual one
 * @param present the text of a file; undefined without one. An entry of an earlier run stays where it is
 * @returns the reason why there is none
 */
export const draftEntry = async (
  main: string,
  classes: readonly string[],
  cron: string | undefined,
  present: (path: string) => Promise<string | undefined>,
): Promise<Result<Entry, string>> => {
  const extension = extname(main);
  if (!MODULE.test(main)) return err('it is neither TypeScript nor JavaScript');
  const folder = isGenerated(main) ? 'src' : posix.normalize(dirname(main));
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
  const text = [
    `import tools from '${specifier('tools.json')}';`,
    "import { countersign } from 'countersign/worker';",
    `import next from '${app}';`,
    '',
    `export * from '${app}';`,
    ...(classes.length === 0 ? [] : [`export { ${classes.join(', ')} } from '${app}';`]),
    `export { ${EXPORTS.join(', ')} } from 'countersign/worker';`,
    `export default countersign({ ${options.join(', ')} });`,
    '',
  ].join('\n');
  for (const name of ['gateway', 'countersign']) {
    const path = posix.join(folder, name + extension.replace('x', ''));
    const found = await present(path);
    if (found === undefined || isMounted(found)) return ok({ path, text: found ?? text });
  }
  return err(`${folder} has the files gateway and countersign already`);
};

/** A build rewrites this folder, so a file that we write there would be lost. */
const isGenerated = (main: string): boolean =>
  /^(?:\.(?!\/)[^/]*|dist|build|out)\//.test(posix.normalize(main));
