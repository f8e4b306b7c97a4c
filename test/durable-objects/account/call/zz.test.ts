import { runInDurableObject } from 'cloudflare:test';
import { test } from 'vitest';
import { randomHex, stubOf, trust, snapshotOf } from '../../support.ts';

test('times', async () => {
  const out: Record<string, number> = {};
  const time = async (name: string, n: number, f: (i: number) => Promise<unknown>) => {
    const t = performance.now();
    for (let i = 0; i < n; i += 1) await f(i);
    out[name] = (performance.now() - t) / n;
  };
  const ps = Array.from({ length: 100 }, () => randomHex(20));
  for (const round of ['a', 'b']) {
    const qs = ps.map(() => randomHex(20));
    await time(`${round} fresh snapshot`, 100, (i) => snapshotOf(qs[i]!));
    await time(`${round} run`, 100, (i) => runInDurableObject(stubOf(qs[i]!), () => 1));
    await time(`${round} trust`, 100, (i) => trust(qs[i]!, 1_000_000n, 10_000_000n));
    await time(`${round} trust`, 100, (i) => trust(qs[i]!, 1_000_000n, 10_000_000n));
  }
  console.log('TIMES', JSON.stringify(out, null, 1));
});
