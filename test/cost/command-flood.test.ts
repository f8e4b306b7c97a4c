import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CHAIN_ID } from '../../dev/stack/chain-access.ts';
import { signDigest } from '../../dev/bench/signing.ts';
import { person } from '../../dev/stack/people.ts';
import { decodeChunk } from '../../src/audit/read-chunk.ts';
import { entryText } from '../../src/audit/entry.ts';
import { type Address, type Hex, ZERO_ADDRESS } from '../../src/core/hex.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { bytesOf, sha256Hex, utf8 } from '../../src/crypto/bytes.ts';
import {
  type AgentIntent,
  encodeAgentIntent,
  intentDigest,
} from '../../src/protocol/intent/agent-intent.ts';
import { accountOf, randomHex, trust } from '../durable-objects/support.ts';
import { db, freshDatabase } from '../unit/audit/database.ts';
import { AUDIENCE } from './environment.ts';
import { openWorld } from './world.ts';

const DAY = 86_400;
const SECONDS = 60;
const EACH_SECOND = 11;
/** Bytes that commands of one account may add to the log in a day (`COMMAND_BYTES_PER_DAY`). */
const DAILY_BYTES = 4 * 1_048_576;

beforeEach(freshDatabase);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Creates a unique policy of 28 KB. */
const largePolicy = () => ({
  require: Array.from({ length: 3 }, (_, at) => ({
    ...{ param: `p${at}`, op: 'in' },
    value: Array.from({ length: 64 }, () => randomHex(70)),
  })),
});

const ZERO: Hex = `0x${'00'.repeat(32)}`;

/** The size in bytes of all accounts' logs in D1. */
const stored = async () => {
  const { results, meta } = await db.prepare('SELECT body FROM chunks').all<{ body: number[] }>();
  let entries = 0;
  let text = 0;
  let packed = 0;
  for (const { body } of results) {
    const read = await decodeChunk(Uint8Array.from(body));
    if (!read.ok) throw new Error(read.error.kind);
    packed += body.length;
    entries += read.value.length;
    text += read.value.reduce((sum, entry) => sum + utf8(entryText(entry)).length + 1, 0);
  }
  return { chunks: results.length, entries, text, packed, database: meta.size_after };
};

test('bounds a minute of 28 KB policies by an account that has paid $0.001', async () => {
  const { address, privateKey } = person(`flooder ${randomHex(16)}`);
  const payer = address.toLowerCase() as Address;
  const account = accountOf(payer);
  const world = await openWorld(nowSeconds() + DAY);
  await world.meter.watch(account);
  await trust(payer, 1_000n, 1_000n);
  await world.until(account, Infinity);
  world.set(nowSeconds() + DAY);
  const before = { ...(await stored()), ...world.meter.counts() };

  const statuses = new Map<number, number>();
  const target = `/accounts/${account}/policy`;
  const put = async (): Promise<Response> => {
    const body = JSON.stringify(largePolicy());
    const now = BigInt(nowSeconds());
    const intent: AgentIntent = {
      agent: payer,
      audience: AUDIENCE,
      tool: 'countersign.admin.account.policy.put',
      method: 'PUT',
      target,
      contentType: 'application/json',
      payloadDigest: sha256Hex(utf8(body)),
      payTo: ZERO_ADDRESS,
      asset: ZERO_ADDRESS,
      maxAmount: 0n,
      validAfter: now - 60n,
      validBefore: now + 230n,
      nonce: randomHex(32),
      authority: ZERO,
    };
    const signature = signDigest(intentDigest(intent, CHAIN_ID), bytesOf(privateKey));
    return world.send(target, {
      method: 'PUT',
      body,
      headers: {
        'Content-Type': 'application/json',
        ...(statuses.has(200) ? { 'If-Match': '*' } : {}),
        'Agent-Intent': encodeAgentIntent({ chainId: CHAIN_ID, intent, signature }),
      },
    });
  };
  let refusal: unknown;
  for (let second = 0; second < SECONDS; second += 1) {
    for (let sent = 0; sent < EACH_SECOND; sent += 1) {
      const answer = await put();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      const body: unknown = await answer.json();
      if (answer.status !== 200)
        refusal = { ...(body as object), 'Retry-After': answer.headers.get('Retry-After') };
    }
    await world.until(account, nowSeconds() + 1);
  }
  await world.until(account, nowSeconds() + 60);
  const after = { ...(await stored()), ...world.meter.counts() };
  const object = await runInDurableObject(
    env.AGENT_ACCOUNT.getByName(account),
    (_, { storage }) => storage.sql.databaseSize,
  );
  const grew = (name: keyof typeof after) => after[name] - before[name];
  console.info(
    JSON.stringify(
      {
        commands: SECONDS * EACH_SECOND,
        statuses: Object.fromEntries(statuses),
        refusal,
        log: { entries: grew('entries'), bytes: grew('text') },
        d1: {
          rowsWritten: grew('databaseWritten'),
          chunks: grew('chunks'),
          chunkBytes: grew('packed'),
          sizeBytes: grew('database'),
        },
        object: { rowsWritten: grew('objectWritten'), sizeBytes: object },
      },
      undefined,
      2,
    ),
  );
  expect(grew('text')).toBeLessThanOrEqual(DAILY_BYTES);
  expect(statuses.get(429)).toBeGreaterThan(500);
  expect(refusal).toMatchObject({
    type: 'urn:countersign:problem:too-many-commands',
    ...{ rule: 'command_bytes', account, limit: DAILY_BYTES },
    retry_after: Number((refusal as { 'Retry-After': string })['Retry-After']),
    resets_at: expect.any(Number) as number,
  });
  // A rejected command writes no row, so the number of accepted commands also bounds the object's rows.
  expect(grew('objectWritten')).toBeLessThan(8 * (statuses.get(200) ?? 0));
}, 600_000);
