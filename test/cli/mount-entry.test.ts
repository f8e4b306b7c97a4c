import { describe, expect, it } from 'vitest';
import { draftEntry, mountFault, withAllExports } from '../../src/cli/init/entry.ts';

describe('the entry of a Worker', () => {
  it.each([
    ['a Hono app', "import { Hono } from 'hono';\nconst app = new Hono();\nexport default app;\n"],
    ['an app without a semicolon', 'const app = new Hono()\nexport default app\n'],
    ['an object literal', 'export default {\n  fetch: () => new Response(),\n};\n'],
    [
      'an object that satisfies a type',
      'export default { async queue() {}, fetch } satisfies ExportedHandler<Env>;\n',
    ],
    ['an object with a cast', 'export default <ExportedHandler>{ fetch };\n'],
    ['the result of a function', "export default withSentry(() => ({ dsn: '' }), handler);\n"],
    ['the result of an arrow in a call', 'export default instrument({ fetch: (a) => b(a) });\n'],
    ['a new object', 'export default new Router();\n'],
    ['a renamed export', 'const app = new Hono();\nexport { app as default, Counter };\n'],
    ['an export of another module', "export { default, Counter } from './app';\n"],
    ['a name that only a comment calls a class', '// class app\nexport default app;\n'],
    ['a comment behind the export', 'export default app; // the app\n'],
  ])('is mounted as %s', (_, source) => {
    expect(mountFault(source)).toBeUndefined();
  });

  it.each([
    ['a class', 'export default class extends WorkerEntrypoint {}', 'a class'],
    ['a named class', 'class Shop extends WorkerEntrypoint {}\nexport default Shop;', 'a class'],
    ['a renamed class', 'class Shop {}\nexport { Shop as default };', 'a class'],
    ['a function', 'export default async function handle() {}', 'a function'],
    ['a named function', 'async function handle() {}\nexport default handle;', 'a function'],
    ['an arrow function', 'export default async (request: Request) => answer;', 'a function'],
    ['an arrow without brackets', 'export default request => answer;', 'a function'],
    ['a service worker', "addEventListener('fetch', (event) => {});", 'a service worker'],
    ['no default export', 'export const app = new Hono();', 'no default export'],
    ['CommonJS', 'module.exports = { fetch };', 'no default export'],
    ['an export in a comment', '/* export default app; */ const app = 1;', 'no default export'],
    ['an export in a string', "const text = 'export default app';", 'no default export'],
    ['an export in a template', 'const text = `\nexport default app;\n`;', 'no default export'],
    ['a class of ours', 'export class Relayer {}\nexport default app;', 'exports Relayer'],
    [
      'a list with a class of ours',
      'export { AgentAccount };\nexport default app;',
      'AgentAccount',
    ],
  ])('is refused with %s', (_, source, reason) => {
    expect(mountFault(source)).toContain(reason);
  });

  const entryOf = (main: string, ...taken: readonly string[]) => {
    const entry = draftEntry(main, [], undefined, (path) => taken.includes(path));
    return entry.ok ? entry.value : entry.error;
  };

  it('is wrapped by a module next to it, whose imports resolve under any resolution', () => {
    expect(draftEntry('./src/index.ts', ['Counter'], '7 * * * *', () => false)).toEqual({
      ok: true,
      value: {
        path: 'src/gateway.ts',
        text: `import tools from '../tools.json';
import { countersign } from 'countersign/worker';
import next from './index.js';

export * from './index.js';
export { Counter } from './index.js';
export { AgentAccount, AuditLog, Relayer, SettlementRequests } from 'countersign/worker';
export default countersign({ tools, next, cron: '7 * * * *' });
`,
      },
    });
    expect(entryOf('index.mjs')).toMatchObject({ path: 'gateway.mjs' });
    expect(entryOf('index.mjs')).toHaveProperty('text', expect.stringContaining("'./tools.json'"));
    expect(entryOf('app/worker.tsx')).toMatchObject({ path: 'app/gateway.ts' });
    expect(entryOf('app/worker.tsx')).toHaveProperty(
      'text',
      expect.stringContaining("'./worker.js'"),
    );
    expect(entryOf('src/gateway.ts', 'src/gateway.ts')).toMatchObject({
      path: 'src/countersign.ts',
    });
  });

  it('is wrapped outside of a folder that a build writes anew', () => {
    expect(entryOf('.open-next/worker.js')).toMatchObject({ path: 'src/gateway.js' });
    expect(entryOf('dist/index.js')).toHaveProperty(
      'text',
      expect.stringContaining("import next from '../dist/index.js';"),
    );
  });

  it('is not wrapped in another language, or over files that exist', () => {
    expect(entryOf('src/entry.py')).toContain('neither');
    expect(entryOf('src/index.ts', 'src/gateway.ts', 'src/countersign.ts')).toContain('already');
  });

  it('of an earlier release gets the exports that it lacks, and keeps the rest', () => {
    const old = `import { countersign } from 'countersign/worker';
export { AgentAccount } from "countersign/worker";
export default countersign({ tools });
`;
    const upgraded = withAllExports(old);
    expect(upgraded).toBe(
      old.replace('{ AgentAccount }', '{ AgentAccount, AuditLog, Relayer, SettlementRequests }'),
    );
    expect(withAllExports(upgraded)).toBe(upgraded);
  });
});
