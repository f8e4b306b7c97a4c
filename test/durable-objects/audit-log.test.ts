import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { openLog } from '../../durable-objects/audit-log/log.ts';
import { openAuditLog } from '../../durable-objects/audit-log/open.ts';
import { openTables } from '../../durable-objects/audit-log/tables.ts';
import { headIn, parseHeads, slotHash, slotOf, SLOTS } from '../../src/audit/log/heads.ts';
import { parseCheckpoint } from '../../src/audit/log/checkpoint.ts';
import {
  anchorOfLeaf,
  hashOfLeaf,
  headOfLeaf,
  type Leaf,
  parseLeaf,
} from '../../src/audit/log/leaf.ts';
import { leafHash, rootOf } from '../../src/audit/log/merkle-tree.ts';
import { verifyNoteSignature } from '../../src/audit/log/note-signature.ts';
import { parseKeyList } from '../../src/audit/log/key-list.ts';
import type { LogKeySettings } from '../../src/audit/log/log-key.ts';
import { keyIdOf, openNote, readNote } from '../../src/audit/log/signed-note.ts';
import { verifyConsistency, verifyInclusion } from '../../src/audit/log/verify-proof.ts';
import type { Hex } from '../../src/core/hex.ts';
import {
  decodeBase64,
  decodeBase64Url,
  encodeBase64,
  encodeBase64Url,
  hexOf,
  utf8,
} from '../../src/crypto/bytes.ts';
import { serveLog } from '../../src/discovery/log.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { LogLeaf, StoredRun } from '../../src/protocol/audit-log-contract.ts';
import { openRandom } from '../falsify/random.ts';
import { KEY, publicKey } from '../unit/audit/log/vectors.ts';
import { accountOf, randomHex } from './support.ts';

const GENESIS: Hex = `0x${'00'.repeat(32)}`;
let origin: string;
const admitting = { rateLimit: async () => true };
const log = (name = origin) => env.AUDIT_LOG.getByName(name);

beforeEach(async () => {
  // Each test has its own host, and so its own log.
  origin = `${randomHex(8).slice(2)}.example/log/2026`;
  const seed = Uint8Array.from({ length: 32 }, (_, at) => at);
  const jwk = {
    kty: 'OKP',
    crv: 'Ed25519',
    x: encodeBase64Url(publicKey()),
    d: encodeBase64Url(seed),
  };
  Object.assign(env, { LOG_KEY: JSON.stringify(jwk), LOG_KEY_NEXT: '' });
});

/** A new key in the format of `npx countersign keys jwk`. */
const newKey = async (): Promise<string> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const { kty, crv, x, d } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey;
  return JSON.stringify({ kty, crv, x, d });
};

const account = accountOf(randomHex(20));
const hashes = (count: number): readonly Hex[] =>
  Array.from({ length: count }, () => randomHex(32));

/** Runs of one account that continue each other. */
const runsOf = (counts: readonly number[], of = accountOf(randomHex(20))): readonly StoredRun[] => {
  let first = 1;
  let prev = GENESIS;
  return counts.map((count) => {
    const run = { account: of, first, prev, hashes: hashes(count) };
    first += count;
    prev = run.hashes.at(-1) ?? prev;
    return run;
  });
};

const verdictsOf = async (runs: readonly StoredRun[]) =>
  (await log().append(runs)).map(({ verdict }) => verdict);

const allLeaves = async (name = origin) => (await log(name).leaves(0, { most: 500 }))?.leaves ?? [];
const ownLeaves = async ([run]: readonly StoredRun[]) =>
  (await log().leavesOf(run?.account ?? account, 1, { most: 500 }))?.leaves;

const opened = async (name = origin) => {
  const { checkpoint = '' } = await log(name).status();
  const note = await openNote(checkpoint, [{ ...KEY, name }], verifyNoteSignature);
  return note.ok ? parseCheckpoint(note.value.text) : undefined;
};

describe('a transparency log', () => {
  test('signs a checkpoint of every leaf, ten seconds apart at the earliest', async () => {
    const [first, second, third] = runsOf([3, 1, 2]);
    expect(await verdictsOf([first, second] as StoredRun[])).toEqual(['appended', 'appended']);
    expect(await log().status()).toEqual({ size: 2, signed: 0, signers: [] });
    const signedAfter = Date.now();
    expect(await runDurableObjectAlarm(log())).toBe(true);
    // Each checkpoint covers one more leaf, the root of the index.
    expect(await opened()).toMatchObject({ origin, size: 3 });
    await verdictsOf([third] as StoredRun[]);
    const alarm = await runInDurableObject(log(), (_, { storage }) => storage.getAlarm());
    expect(alarm).toBeGreaterThanOrEqual(signedAfter + 9_000);
    expect(await runDurableObjectAlarm(log())).toBe(true);
    expect(await opened()).toMatchObject({ size: 5 });
    // Nothing is new, so the log signs no checkpoint and sets no alarm.
    expect(await runDurableObjectAlarm(log())).toBe(false);
  });

  test('has the root of its leaves, and proves each of them and its growth', async () => {
    const runs = [...runsOf([1, 2, 3]), ...runsOf([4, 5])];
    await verdictsOf(runs.slice(0, 2));
    await runDurableObjectAlarm(log());
    const old = await opened();
    await verdictsOf(runs.slice(2));
    await runDurableObjectAlarm(log());
    const tree = await opened();
    if (old === undefined || tree === undefined) throw new Error('no checkpoint');
    const leaves = await allLeaves();
    expect(tree.root).toEqual(rootOf(leaves.map(({ text }) => leafHash(utf8(text)))));
    for (const run of runs) {
      const page = await log().leavesOf(run.account, run.first, { most: 1 });
      const [found] = page?.leaves ?? [];
      const leaf = parseLeaf(found?.text ?? '');
      if (found === undefined || leaf === undefined) throw new Error('no leaf');
      expect(leaf).toMatchObject({
        account: run.account,
        first: { seq: run.first, prev: run.prev },
      });
      const place = { hash: hashOfLeaf(leaf), index: found.index };
      expect(verifyInclusion(place, tree, found.proof)).toBe(true);
    }
    const growth = await log().proveGrowth(old.size, tree.size);
    expect(verifyConsistency(old, tree, growth ?? [])).toBe(true);
    const first = runs[0] as StoredRun;
    const older = await log().leavesOf(first.account, 1, { most: 9, size: old.size });
    expect(older).toMatchObject({ size: old.size, leaves: [{ index: 0 }, { index: 1 }] });
    expect(older?.checkpoint).toBeUndefined();
    const [proven] = older?.leaves ?? [];
    const place = { hash: leafHash(utf8(proven?.text ?? '')), index: 0 };
    expect(verifyInclusion(place, old, proven?.proof ?? [])).toBe(true);
    for (const size of [tree.size + 1, -1]) {
      expect(await log().leavesOf(first.account, 1, { most: 9, size })).toBeUndefined();
      expect(await log().leaves(0, { most: 9, size })).toBeUndefined();
    }
  });

  test('skips what it has, waits for what is missing, and refuses another history', async () => {
    const [first, second, third] = runsOf([3, 3, 3], account) as [StoredRun, StoredRun, StoredRun];
    expect(await log().append([second])).toEqual([{ verdict: 'gap', expected: 1 }]);
    expect(await verdictsOf([first, first, third, second])).toEqual([
      'appended',
      'appended',
      'gap',
      'appended',
    ]);
    // After a crash the account may cut its chunks differently. Only the hashes that the log lacks become a leaf.
    const rejoined = { ...second, hashes: [...second.hashes, ...third.hashes] };
    expect(await verdictsOf([rejoined, third])).toEqual(['appended', 'appended']);
    expect(await log().status()).toMatchObject({ size: 3 });
    const forked = { ...third, hashes: hashes(4) };
    expect(await verdictsOf([{ ...forked, first: 10, prev: randomHex(32) }])).toEqual(['forked']);
    expect(await verdictsOf([{ ...forked, hashes: hashes(3) }])).toEqual(['forked']);
    expect(await log().status()).toMatchObject({ size: 3 });
  });

  test('publishes no tile or leaf that its checkpoint does not cover', async () => {
    const runs = runsOf([1, 1, 1]);
    await verdictsOf(runs.slice(0, 2));
    expect(await log().tile(0, 0, 1)).toBeUndefined();
    expect(await ownLeaves(runs)).toEqual([]);
    await runDurableObjectAlarm(log());
    await verdictsOf(runs.slice(2));
    expect(await log().tile(0, 0, 2)).toHaveLength(64);
    expect(await log().tile(0, 0, 4)).toBeUndefined();
    expect(await log().tile(0, 1, 1)).toBeUndefined();
    expect(await allLeaves()).toHaveLength(3);
    expect(await ownLeaves(runs)).toHaveLength(2);
  });

  test('continues after a restart at any moment, and signs the same bytes again', async () => {
    const runs = runsOf([1, 2, 1, 3, 1]);
    for (const run of runs) {
      await verdictsOf([run]);
      await evictDurableObject(log());
      await verdictsOf([run]);
      await runDurableObjectAlarm(log());
      const before = await log().status();
      // Simulates a power cut after the log signed a checkpoint and before it stored it.
      await runInDurableObject(log(), (_, { storage }) => {
        storage.sql.exec('UPDATE tree SET checkpoint = NULL, signed = 0');
      });
      await evictDurableObject(log());
      await runInDurableObject(log(), (instance) => instance.alarm());
      expect((await log().status()).checkpoint).toBe(before.checkpoint);
    }
    expect(await opened()).toMatchObject({ size: 10 });
  });

  test.each(['tree', 'bundle', 'leaf', 'tile'])(
    'appends all of a batch or nothing, when the write of a %s fails',
    async (table) => {
      const runs = runsOf([1, 2, 1]);
      await verdictsOf(runs.slice(0, 1));
      await runDurableObjectAlarm(log());
      const before = await log().status();
      const broken = (statement: string) =>
        runInDurableObject(log(), (_, { storage }) => void storage.sql.exec(statement));
      for (const when of ['INSERT', 'UPDATE']) {
        await broken(`CREATE TRIGGER fail_${when} BEFORE ${when} ON ${table}
          BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
      }
      await expect(
        runInDurableObject(log(), async (instance) => instance.append(runs)),
      ).rejects.toThrow('the disk is full');
      expect(await log().status()).toEqual(before);
      for (const when of ['INSERT', 'UPDATE']) await broken(`DROP TRIGGER fail_${when}`);
      await evictDurableObject(log());
      expect(await verdictsOf(runs)).toEqual(['appended', 'appended', 'appended']);
      await runDurableObjectAlarm(log());
      const leaves = await allLeaves();
      expect((await opened())?.root).toEqual(
        rootOf(leaves.map(({ text }) => leafHash(utf8(text)))),
      );
      expect(leaves).toHaveLength(5);
    },
  );

  test('has each entry once, in whatever order and however often a queue delivers', async () => {
    const all = [runsOf([1, 3, 2, 1]), runsOf([2, 1, 1]), runsOf([1, 1, 4, 2])].flat();
    const random = openRandom('deliveries to a transparency log');
    let waiting = [...all, ...all];
    let deliveries = 0;
    while (waiting.length > 0) {
      deliveries += 1;
      expect(deliveries).toBeLessThan(100);
      const batch = waiting
        .map((run) => ({ run, place: random.integer(0, 1_000_000) }))
        .toSorted((one, other) => one.place - other.place)
        .slice(0, 5)
        .map(({ run }) => run);
      // If an answer was lost, the queue delivers the same runs again.
      const isLost = random.chance(0.2);
      const verdicts = await log().append(batch);
      const done = new Set(batch.filter((_, at) => verdicts[at]?.verdict === 'appended'));
      expect(verdicts.every(({ verdict }) => verdict !== 'forked')).toBe(true);
      if (!isLost) waiting = waiting.filter((run) => !done.has(run));
      if (random.chance(0.2)) await evictDurableObject(log());
      if (random.chance(0.3)) await runDurableObjectAlarm(log());
    }
    await runDurableObjectAlarm(log());
    const leaves = (await allLeaves()).flatMap(({ text }) => parseLeaf(text) ?? []);
    expect(leaves).toHaveLength(all.length);
    for (const run of all) {
      expect(
        leaves.filter(({ account: of, first }) => of === run.account && first.seq === run.first),
      ).toHaveLength(1);
    }
  });

  test('does not open when its tiles do not have its root', async () => {
    await verdictsOf(runsOf([1, 2]));
    await runInDurableObject(log(), (_, { storage }) => {
      storage.sql.exec('UPDATE tile SET hashes = randomblob(64)');
      expect(() => openLog(openTables(storage))).toThrow('do not have the stored root');
    });
  });

  test('of a new year names the last checkpoint of the old one, and continues its accounts', async () => {
    const [first, second, third] = runsOf([2, 2, 2], account) as [StoredRun, StoredRun, StoredRun];
    await verdictsOf([first]);
    await runDurableObjectAlarm(log());
    const { checkpoint } = await log().status();
    const next = origin.replace('2026', '2027');
    expect(await log(next).append([third])).toEqual([{ verdict: 'gap', expected: 3 }]);
    expect(await log(next).append([second, third])).toEqual([
      { verdict: 'appended' },
      { verdict: 'appended' },
    ]);
    expect(await log(next).append([{ ...second, hashes: hashes(2) }])).toEqual([
      { verdict: 'appended' },
    ]);
    await runDurableObjectAlarm(log(next));
    const [heading, leaf] = await allLeaves(next);
    expect(heading?.text).toBe(`countersign-log/1\n${checkpoint}`);
    expect(parseLeaf(leaf?.text ?? '')).toMatchObject({ first: { seq: 3, prev: first.hashes[1] } });
    expect(await opened(next)).toMatchObject({ origin: next, size: 4 });
  });

  test.each([
    ['2026', []],
    ['2027', ['2026']],
  ])('of %s asks the logs %j for accounts that it does not know', async (year, expected) => {
    const name = origin.replace('2026', year);
    const asked = new Set<string>();
    const getByName = (other: string) => {
      asked.add(other.slice(-4));
      return env.AUDIT_LOG.getByName(other);
    };
    await runInDurableObject(log(name), async (_, state) => {
      const opened = await openAuditLog(state, { ...env, AUDIT_LOG: { getByName } } as Env);
      await opened.append(runsOf([1]));
      await opened.headsOf([account]);
      await opened.knowsAnchor(new Uint8Array(32));
    });
    expect([...asked]).toEqual(expected);
  });

  test('grows by 300 leaves at once and one by one to the same tree', async () => {
    const runs = runsOf(Array.from({ length: 300 }, () => 1));
    await verdictsOf(runs);
    await runDurableObjectAlarm(log());
    const whole = await opened();
    const parts = origin.replace('.example', '.test');
    for (let at = 0; at < runs.length; at += 7) await log(parts).append(runs.slice(at, at + 7));
    await runDurableObjectAlarm(log(parts));
    expect((await opened(parts))?.root).toEqual(whole?.root);
    expect(await log().tile(1, 0, 1)).toHaveLength(32);
    const page = await log().leaves(250, { most: 10 });
    expect(page?.leaves.map(({ index }) => index)).toEqual(
      [...Array(10).keys()].map((at) => 250 + at),
    );
    expect(page?.leaves.map(({ text }) => parseLeaf(text)?.first.seq)).toEqual(
      page?.leaves.map(({ index }) => index + 1),
    );
    expect((await log().leaves(256, { most: 500 }))?.leaves).toHaveLength(45);
    expect((await log().leaves(301, { most: 500 }))?.leaves).toEqual([]);
  });

  test('signs nothing without its key', async () => {
    Object.assign(env, { LOG_KEY: '{}' });
    await verdictsOf(runsOf([1]));
    await runDurableObjectAlarm(log());
    expect(await log().status()).toEqual({ size: 1, signed: 0, signers: [] });
  });
});

describe('the index of a transparency log', () => {
  /** The head of an account, verified as a reader would. */
  const headOf = async ([run]: readonly StoredRun[], name = origin, size?: number) => {
    const of = run?.account ?? account;
    const page = await log(name).leavesOf(of, 1, { most: 500, ...(size && { size }) });
    const { frame = [], path = [] } = page?.head ?? {};
    const slot = page?.head?.slot === undefined ? undefined : decoded(page.head.slot);
    const leaves = await log(name).leaves(0, { most: 500 });
    const tree = { size: page?.size ?? 0, root: rootOf(hashesOfTexts(leaves?.leaves, page?.size)) };
    for (const { index, leaf, proof } of frame) {
      const place = { hash: leafHash(utf8(leaf)), index };
      expect(verifyInclusion(place, tree, proof.map(decoded))).toBe(true);
    }
    expect(frame.at(-1)?.index).toBe(tree.size - 1);
    const root = parseHeads(frame.at(-1)?.leaf ?? '');
    const anchor = await anchorOf(of);
    if (root === undefined || slot === undefined || anchor === undefined) return undefined;
    const place = { hash: slotHash(slot), index: slotOf(anchor) };
    expect(verifyInclusion(place, { size: SLOTS, root }, path.map(decoded))).toBe(true);
    const newest = page?.leaves.at(-1);
    const head = headIn(slot, anchor);
    return { isNewest: head && newest && isSame(head, headOfText(newest.text)), head };
  };
  const hashesOfTexts = (leaves: readonly LogLeaf[] = [], size = 0) =>
    leaves.slice(0, size).map(({ text }) => leafHash(utf8(text)));
  const decoded = (text: string): Uint8Array => decodeBase64(text) ?? new Uint8Array();
  const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
    encodeBase64(one) === encodeBase64(other);
  const headOfText = (text: string): Uint8Array => headOfLeaf(parseLeaf(text) as Leaf);
  const anchorOf = async (of: AccountId): Promise<Uint8Array | undefined> => {
    const [leaf] = (await log().leavesOf(of, 1, { most: 1 }))?.leaves ?? [];
    return leaf && anchorOfLeaf(parseLeaf(leaf.text) as Leaf);
  };

  test('proves the newest leaf of each account under every checkpoint, also while the log goes on', async () => {
    const [alice, bob] = [runsOf([2, 1, 3]), runsOf([1, 1])];
    await verdictsOf([alice[0], bob[0], alice[1]] as StoredRun[]);
    await runDurableObjectAlarm(log());
    const first = (await opened())?.size;
    expect(await headOf(alice)).toMatchObject({ isNewest: true });
    await verdictsOf([alice[2]] as StoredRun[]);
    await runDurableObjectAlarm(log());
    for (const of of [alice, bob]) {
      expect(await headOf(of)).toMatchObject({ isNewest: true });
      expect(await headOf(of, origin, first)).toMatchObject({ isNewest: true });
    }
    const [old, present] = [await headOf(alice, origin, first), await headOf(alice)];
    expect(old?.head).not.toEqual(present?.head);
    await evictDurableObject(log());
    expect(await headOf(alice)).toEqual(present);
    // Attack: anyone who has one leaf could alternate between requests for two old trees, and each would make the object recompute a tree.
    const of = alice[0]?.account ?? account;
    expect((await log().leavesOf(of, 1, { most: 1, size: first ?? 0 }))?.head).toBeUndefined();
    const anchor = (await anchorOf(of)) as Uint8Array;
    expect(await log().headAt(anchor, first ?? 0)).toBeUndefined();
    // No checkpoint covers this tree.
    expect(
      (await log().leavesOf(alice[0]?.account ?? account, 1, { most: 1, size: 2 }))?.head,
    ).toBe(undefined);
  });

  test('takes many leaves in portions, after hours without a key', async () => {
    const runs = runsOf(Array.from({ length: 5_001 }, () => 1));
    const [other] = runsOf([1]);
    await verdictsOf([other] as StoredRun[]);
    await runDurableObjectAlarm(log());
    await verdictsOf(runs);
    await runDurableObjectAlarm(log());
    // The log still proves heads in the newest signed tree meanwhile.
    expect(await log().status()).toMatchObject({ size: 5_003, signed: 2 });
    const anchor = (await anchorOf(other?.account ?? account)) as Uint8Array;
    expect(await log().headAt(anchor, 2)).toMatchObject({ frame: [{ index: 1 }] });
    expect(await runDurableObjectAlarm(log())).toBe(true);
    expect(await log().status()).toMatchObject({ size: 5_004, signed: 5_004 });
    const page = await log().leavesOf(runs[0]?.account ?? account, 5_001, { most: 1 });
    const own = (await anchorOf(runs[0]?.account ?? account)) as Uint8Array;
    expect(headIn(decoded(page?.head?.slot ?? ''), own)).toEqual(
      headOfText(page?.leaves[0]?.text ?? ''),
    );
  });

  test('has many accounts in one slot and shows who has no leaf', async () => {
    const all = Array.from({ length: 40 }, () => runsOf([1, 1]));
    await verdictsOf(all.flatMap(([one]) => one ?? []));
    await runDurableObjectAlarm(log());
    await verdictsOf(all.slice(0, 20).flatMap(([, two]) => two ?? []));
    await runDurableObjectAlarm(log());
    for (const one of all) expect(await headOf(one)).toMatchObject({ isNewest: true });
    const page = await log().leavesOf(accountOf(randomHex(20)), 1, { most: 1 });
    expect(page).toMatchObject({ leaves: [], head: { frame: [{ index: 61 }] } });
    expect(page?.head?.slot).toBeUndefined();
  });

  test('finds an account of an earlier year by its first leaf, whether it goes on or is quiet', async () => {
    const [quiet, active] = [runsOf([2]), runsOf([1, 2, 1])];
    await verdictsOf([...quiet, active[0]] as StoredRun[]);
    await runDurableObjectAlarm(log());
    const next = origin.replace('2026', '2027');
    await log(next).append([active[1]] as StoredRun[]);
    await runDurableObjectAlarm(log(next));
    expect(await headOf(active, next)).toMatchObject({ isNewest: true });
    const { head } = (await log(next).leavesOf(quiet[0]?.account ?? account, 1, { most: 1 })) ?? {};
    expect(head?.frame.map(({ leaf }) => leaf.split('\n')[0])).toEqual([
      'countersign-log/1',
      'countersign-heads/1',
    ]);
    // The quiet account's slot in the index does not contain the account.
    const anchor = (await anchorOf(quiet[0]?.account ?? account)) as Uint8Array;
    expect(headIn(decoded(head?.slot ?? ''), anchor)).toBeUndefined();
    expect(head?.path).toHaveLength(12);
    const last = origin.replace('2026', '2028');
    await log(last).append([active[2]] as StoredRun[]);
    await runDurableObjectAlarm(log(last));
    expect(await headOf(active, last)).toMatchObject({ isNewest: true });
  });

  test('is read with the anchor of an account, which no stranger knows', async () => {
    const runs = runsOf([1, 1]);
    await verdictsOf(runs);
    await runDurableObjectAlarm(log());
    const size = (await opened())?.size ?? 0;
    const anchor = (await anchorOf(runs[0]?.account ?? account)) as Uint8Array;
    const own = await log().leavesOf(runs[0]?.account ?? account, 1, { most: 1 });
    expect(await log().headAt(anchor, size)).toEqual(own?.head);
    expect(await log().headAt(anchor, size + 1)).toBeUndefined();
    // Attack: leaf hashes are in public tiles. They must not reveal an account, or which of its leaves is the newest.
    for (const { text } of (await allLeaves()).filter(({ text }) => parseLeaf(text))) {
      expect(await log().headAt(leafHash(utf8(text)), size)).toBeUndefined();
      expect(hexOf(decoded(own?.head?.slot ?? ''))).not.toContain(
        hexOf(leafHash(utf8(text))).slice(2),
      );
    }
    const stranger = anchor.with(31, (anchor[31] ?? 0) ^ 1);
    expect(await log().headAt(stranger, size)).toBeUndefined();
  });

  test.each(['slot', 'bundle'])(
    'is written with its leaf or not at all, when a %s fails',
    async (table) => {
      const runs = runsOf([1, 2]);
      await verdictsOf(runs);
      await runInDurableObject(log(), async (instance, { storage }) => {
        storage.sql.exec(`CREATE TRIGGER fails BEFORE INSERT ON ${table}
        BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
        await instance.alarm();
        storage.sql.exec('DROP TRIGGER fails');
      });
      expect(await log().status()).toMatchObject({ size: 2, signed: 0 });
      await runDurableObjectAlarm(log());
      expect(await headOf(runs)).toMatchObject({ isNewest: true });
    },
  );
});

describe('the keys of a transparency log', () => {
  const [first, second, third, fourth] = runsOf([1, 1, 1, 1]) as [
    StoredRun,
    StoredRun,
    StoredRun,
    StoredRun,
  ];
  const ids = async (): Promise<readonly string[]> => {
    const note = readNote((await log().status()).checkpoint ?? '');
    return note.ok ? note.value.signatures.map(({ keyId }) => keyId) : [];
  };
  const sign = async (run: StoredRun): Promise<readonly string[]> => {
    await log().append([run]);
    await runDurableObjectAlarm(log());
    return ids();
  };
  const idOf = (jwk: string): string =>
    keyIdOf({ ...KEY, name: origin, publicKey: decodeBase64Url(JSON.parse(jwk).x) as Uint8Array });
  const publicKeyOf = (jwk: string): string =>
    encodeBase64(decodeBase64Url(JSON.parse(jwk).x) as Uint8Array);

  test('both sign while one replaces the other, and the log keeps from when to when each did', async () => {
    const old = (env as { LOG_KEY?: string }).LOG_KEY ?? '';
    const next = await newKey();
    expect(await sign(first)).toEqual([idOf(old)]);
    Object.assign(env, { LOG_KEY_NEXT: next });
    expect(await sign(second)).toEqual([idOf(old), idOf(next)]);
    Object.assign(env, { LOG_KEY: next });
    expect(await sign(third)).toEqual([idOf(next)]);
    Object.assign(env, { LOG_KEY_NEXT: '' });
    expect(await sign(fourth)).toEqual([idOf(next)]);
    const { signers } = await log().status();
    const at = expect.any(Number);
    expect(signers).toHaveLength(2);
    expect(signers).toContainEqual({ publicKey: publicKeyOf(old), from: at, until: at });
    expect(signers).toContainEqual({ publicKey: publicKeyOf(next), from: at });
  });

  test('write a row only when they change', async () => {
    await sign(first);
    await runInDurableObject(log(), (_, { storage }) => {
      storage.sql.exec(`CREATE TRIGGER written BEFORE INSERT ON signer
        BEGIN SELECT RAISE(ABORT, 'a row is written'); END`);
    });
    expect(await sign(second)).toHaveLength(1);
    expect((await opened())?.size).toBe(4);
  });

  test('sign nothing while the next one cannot be read: its readers would see a stranger', async () => {
    Object.assign(env, { LOG_KEY_NEXT: 'none' });
    expect(await sign(first)).toEqual([]);
  });

  test('are listed in public, those that sign first, and those of former years from the log alone', async () => {
    const old = (env as { LOG_KEY?: string }).LOG_KEY ?? '';
    const next = await newKey();
    const listed = async (path: string, keys: LogKeySettings) => {
      const services = { ...admitting, audience: `https://${origin.split('/')[0]}`, keys, log };
      const request = new Request(`https://gateway.example/log/${path}`);
      const answer = await serveLog(services, request, Date.UTC(2026, 5, 1) / 1_000);
      const list = answer.status === 200 ? parseKeyList(await answer.text()) : undefined;
      return list?.map(({ key, from, until }) => [
        keyIdOf(key),
        from !== undefined,
        until !== undefined,
      ]);
    };
    const both = { LOG_KEY: next, LOG_KEY_NEXT: old };
    expect(await listed('keys', both)).toEqual([
      [idOf(next), false, false],
      [idOf(old), false, false],
    ]);
    await sign(first);
    expect(await listed('keys', both)).toEqual([
      [idOf(next), false, false],
      [idOf(old), true, false],
    ]);
    Object.assign(env, { LOG_KEY: next });
    await sign(second);
    expect(await listed('2026/keys', { LOG_KEY: next })).toEqual([
      [idOf(next), true, false],
      [idOf(old), true, true],
    ]);
    expect(await listed('2025/keys', both)).toBeUndefined();
    expect(await listed('2027/keys', both)).toBeUndefined();
    expect(await listed('keys', { LOG_KEY: 'none' })).toHaveLength(2);
  });

  test('show the time without a key that signs again', async () => {
    const old = (env as { LOG_KEY?: string }).LOG_KEY ?? '';
    const next = await newKey();
    await sign(first);
    Object.assign(env, { LOG_KEY: next });
    await sign(second);
    Object.assign(env, { LOG_KEY: old });
    await sign(third);
    const services = {
      ...admitting,
      audience: `https://${origin.split('/')[0]}`,
      keys: { LOG_KEY: old },
      log,
    };
    const request = new Request('https://gateway.example/log/2026/keys');
    const answer = await serveLog(services, request, Date.UTC(2026, 5, 1) / 1_000);
    const listed = parseKeyList(await answer.text()) ?? [];
    expect(listed.map(({ key, until }) => [keyIdOf(key), until !== undefined])).toEqual([
      [idOf(old), false],
      [idOf(next), true],
      [idOf(old), true],
    ]);
  });
});

describe('the public routes of a transparency log', () => {
  const serve = async (path: string, rateLimit: (key: string) => Promise<boolean>) => {
    const asked: string[] = [];
    const services = {
      ...{ audience: `https://${origin.split('/')[0]}`, keys: {}, rateLimit },
      log: (name: string) => {
        asked.push(name.slice(-4));
        return log(name);
      },
    };
    const request = new Request(`https://gateway.example/log/${path}`, {
      headers: { 'CF-Connecting-IP': '203.0.113.9' },
    });
    const answer = await serveLog(services, request, Date.UTC(2027, 5, 1) / 1_000);
    return { status: answer.status, asked };
  };

  test.each([
    ['2027/checkpoint', ['2027']],
    ['2026/checkpoint', ['2026']],
    ['checkpoint', ['2027']],
    ['2028/checkpoint', []],
    ['2028/keys', []],
    ['2028/tile/0/000.p/1', []],
    ['2025/checkpoint', []],
    ['0000/keys', []],
  ])('wake no object of a year that no log is of: %s', async (path, asked) => {
    expect(await serve(path, async () => true)).toEqual({ status: 404, asked });
  });

  test('ask no object for a client above the rate limit', async () => {
    const counted: string[] = [];
    const refuse = async (key: string) => counted.push(key) === 0;
    for (const path of ['checkpoint', '2026/keys', '2026/tile/0/000.p/1']) {
      expect(await serve(path, refuse)).toEqual({ status: 429, asked: [] });
    }
    expect(counted).toEqual(Array.from({ length: 3 }, () => 'log 203.0.113.9'));
  });
});
