import { beforeEach, expect, test } from 'vitest';
import { advanceRebuild } from '../../../src/audit/rebuild/rebuild.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { bucket, freshArchive } from './archive/archive-world.ts';
import { deliver, listeners } from './consumer-fixture.ts';
import { db, messageOf } from './database.ts';
import { accepted, accountOf, ALICE, history, START } from './history.ts';

beforeEach(freshArchive);

const store = async (chunk: readonly Entry[]): Promise<void> => {
  await deliver([await messageOf(chunk)], listeners());
};

/** A paused gateway with 40 accounts, of which one writes an entry about as often as 30 steps take (a request takes 5 here, 40 in use). */
test('a rebuild ends although one account goes on writing an entry now and then', async () => {
  for (let n = 10; n < 50; n += 1) await store(history(accountOf(n), [accepted(n, START)]));
  const alice = history(
    ALICE,
    Array.from({ length: 200 }, (_, call) => accepted(call + 100, START + call)),
  );
  await store(alice.slice(0, 1));
  let written = 1;
  let steps = 0;
  for (let request = 0; request < 400; request += 1) {
    const { state } = await advanceRebuild(
      { db, bucket },
      { run: 'livelock', signer: ALICE, apply: 0, begins: request === 0 },
      START,
      { steps: 5 },
    );
    steps += 5;
    if (state === 'ended') {
      return;
    }
    if (request % 6 === 5) {
      await store(alice.slice(written, written + 1));
      written += 1;
    }
  }
  expect(`not ended after ${steps} steps with ${written} entries`).toBe('ended');
}, 300_000);
