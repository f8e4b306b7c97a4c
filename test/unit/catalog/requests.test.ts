import { env, exports } from 'cloudflare:workers';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { putTool } from '../../../src/catalog/store.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { documentOf, putOf, removalOf } from './documents.ts';

/** The Worker itself, in requests of its own: each has its own I/O context, and none may wait for another's. */
const ask = async (path: string): Promise<number> => {
  const answer = await exports.default.fetch(`https://gateway.example${path}`);
  await answer.body?.cancel();
  return answer.status;
};
const together = (count: number, path: string) =>
  Promise.all(Array.from({ length: count }, () => ask(path)));

let clock = Date.now();
const later = (seconds: number) => {
  clock += seconds * 1_000;
  vi.setSystemTime(clock);
};

beforeAll(freshDatabase);
beforeEach(() => {
  vi.useFakeTimers({ now: clock, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('requests that come together', () => {
  it('are all answered, by an isolate that has read nothing yet and by one whose catalogue is old', async () => {
    await putTool(db, putOf(1, documentOf('fresh')));
    expect(await together(40, '/tools/fresh')).toEqual(Array.from({ length: 40 }, () => 402));
    await putTool(db, removalOf(2, 'fresh'));
    later(5);
    expect(await together(40, '/tools/fresh')).toEqual(Array.from({ length: 40 }, () => 404));
  });

  it('read once behind them where the catalogue is getting old, and see what was put after that', async () => {
    later(100);
    expect(await ask('/tools/later')).toBe(404);
    await putTool(db, putOf(3, documentOf('later')));
    later(3);
    const prepare = vi.spyOn(env.AUDIT_DB, 'prepare');
    expect(await together(40, '/tools/later')).toEqual(Array.from({ length: 40 }, () => 404));
    expect(prepare).toHaveBeenCalledOnce();
    await vi.waitFor(async () => expect(await ask('/tools/later')).toBe(402));
    expect(await ask('/tools/later')).toBe(402);
  });

  it('are not sold what is disabled', async () => {
    later(100);
    await putTool(db, putOf(4, documentOf('later', { disabled: true })));
    expect(await ask('/tools/later')).toBe(404);
  });

  it('are refused where the database is gone, but for what needs no tool', async () => {
    await db.prepare('DROP TABLE tools').run();
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    later(30);
    expect(await ask('/tools/lookup')).toBe(402);
    later(60);
    expect(await ask('/tools/lookup')).toBe(503);
    expect(await ask('/healthz')).toBe(200);
    expect(await ask('/accounts/me')).toBe(401);
    await freshDatabase();
    later(2);
    expect(await ask('/tools/lookup')).toBe(402);
  });
});
