import { describe, expect, it } from 'vitest';
import { draftEntry } from '../../src/cli/init/entry.ts';

describe('the entry of a Worker', () => {
  const entryOf = async (main: string, files: Readonly<Record<string, string>> = {}) => {
    const entry = await draftEntry(main, [], undefined, async (path) => files[path]);
    return entry.ok ? entry.value : entry.error;
  };

  it('is wrapped by a module next to it, whose imports resolve under any resolution', async () => {
    const absent = async () => undefined;
    expect(await draftEntry('./src/index.ts', ['Counter'], '7 * * * *', absent)).toEqual({
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
    expect(await entryOf('index.mjs')).toMatchObject({ path: 'gateway.mjs' });
    expect(await entryOf('index.mjs')).toHaveProperty(
      'text',
      expect.stringContaining("'./tools.json'"),
    );
    expect(await entryOf('app/worker.tsx')).toMatchObject({ path: 'app/gateway.ts' });
    expect(await entryOf('app/worker.tsx')).toHaveProperty(
      'text',
      expect.stringContaining("'./worker.js'"),
    );
    expect(
      await entryOf('src/gateway.ts', { 'src/gateway.ts': 'export default {};' }),
    ).toMatchObject({
      path: 'src/countersign.ts',
    });
  });

  it('is wrapped outside of a folder that a build writes anew', async () => {
    expect(await entryOf('.open-next/worker.js')).toMatchObject({ path: 'src/gateway.js' });
    expect(await entryOf('dist/index.js')).toHaveProperty(
      'text',
      expect.stringContaining("import next from '../dist/index.js';"),
    );
  });

  it('of an earlier run stays as it is', async () => {
    const own = "import { countersign } from 'countersign/worker'; // mine";
    expect(await entryOf('src/index.ts', { 'src/gateway.ts': own })).toEqual({
      path: 'src/gateway.ts',
      text: own,
    });
  });

  it('is not wrapped in another language, or over files that exist', async () => {
    expect(await entryOf('src/entry.py')).toContain('neither');
    expect(
      await entryOf('src/index.ts', { 'src/gateway.ts': 'a', 'src/countersign.ts': 'b' }),
    ).toContain('already');
  });
});
