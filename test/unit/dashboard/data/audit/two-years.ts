import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { privateKeyToAccount } from 'viem/accounts';
import { vi } from 'vitest';
import { consumeAudit } from '../../../../../src/audit/consumer.ts';
import { entryHash } from '../../../../../src/audit/entry.ts';
import { createManagement, type Management } from '../../../../../src/client/management.ts';
import type { Config } from '../../../../../src/config/config.ts';
import { nowSeconds } from '../../../../../src/core/clock.ts';
import type { Hex } from '../../../../../src/core/hex.ts';
import { encodeBase64Url } from '../../../../../src/crypto/bytes.ts';
import { serveLog } from '../../../../../src/discovery/log.ts';
import { manage } from '../../../../../src/management/router.ts';
import type { AccountId } from '../../../../../src/protocol/account-id.ts';
import type { Entry, EntryBody } from '../../../../../src/protocol/entry.ts';
import vectors from '../../../../vectors/countersign-v1.json' with { type: 'json' };
import { db, freshDatabase, messageOf } from '../../../audit/database.ts';
import { accepted, committed, history, settled, START } from '../../../audit/history.ts';
import { publicKey } from '../../../audit/log/vectors.ts';
import { KEY_ACCOUNT, network } from '../../../gateway/scripted.ts';
import { addressOf, CHAIN_ID, NETWORK, vectorConfig } from '../../../gateway/signing.ts';
import { accountOf, scriptedContext } from '../../../management/scripted-context.ts';

export const NEW_YEAR = Date.UTC(2027, 0, 1) / 1_000;
/** The account that signs the requests. */
export const OWNER = accountOf('owner');
/** An account whose first entries are of the new year. */
export const YOUNG: AccountId = `${NETWORK}:0x${'77'.repeat(20)}`;

/** The entries of a call, starting with its acceptance. */
const callAt = (call: number, at: number): readonly EntryBody[] => [
  accepted(call, at),
  committed(call, at + 1),
  settled(call, at + 5),
];

const chainAfter = (account: AccountId, chain: readonly Entry[], bodies: readonly EntryBody[]) => {
  const last = chain.at(-1);
  return last === undefined
    ? history(account, bodies)
    : history(account, bodies, { seq: last.seq, hash: entryHash(last) });
};

/**
 * A gateway after a change of year, in January 2027: its owner made a call in 2026, another in 2026 that the log received only in 2027, and
 * one in 2027. The client's requests reach the real handlers, D1 and transparency logs, and so do requests for the public log.
 *
 * @param roles whether the owner is also an operator
 */
export const openTwoYears = async (roles: 'owner' | 'operator'): Promise<Management> => {
  await freshDatabase();
  network(KEY_ACCOUNT);
  const host = `${crypto.randomUUID()}.example`;
  const config: Config = {
    ...vectorConfig(),
    operators: roles === 'operator' ? [addressOf('owner')] : [],
    audiences: [`https://${host}`, 'https://gw.example'],
  };
  const d = encodeBase64Url(Uint8Array.from({ length: 32 }, (_, at) => at));
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64Url(publicKey()), d };
  Object.assign(env, { LOG_KEY: JSON.stringify(jwk) });
  const log = (origin: string) => env.AUDIT_LOG.getByName(origin);

  const store = async (year: number, entries: readonly Entry[]): Promise<void> => {
    const origin = `${host}/log/${year}`;
    const message = { id: 'm', body: await messageOf(entries), attempts: 1 };
    await consumeAudit(
      { queue: 'audit', messages: [{ ...message, ack: () => undefined, retry: () => undefined }] },
      {
        db,
        account: () => ({
          exported: async () => ({ verdict: 'ok' }),
          document: async () => ({ verdict: 'unknown' }),
        }),
        projectDocument: () => [],
        appendToLog: async (runs) => log(origin).append(runs),
      },
      START,
    );
    await runDurableObjectAlarm(log(origin));
  };
  const own = chainAfter(OWNER, [], [...callAt(1, NEW_YEAR - 600), ...callAt(2, NEW_YEAR - 7)]);
  await store(2026, own.slice(0, 3));
  await store(2027, own.slice(3));
  await store(2027, history(YOUNG, callAt(3, NEW_YEAR + 60)));
  await store(2027, chainAfter(OWNER, own, callAt(4, NEW_YEAR + 120)));

  const { context } = await scriptedContext(config);
  const related = {
    ...context,
    log,
    account: (of: AccountId) => ({
      ...context.account(of),
      relation: async ({ by }: { readonly by: AccountId }) =>
        ({
          verdict: 'found',
          relation: of === by ? 'self' : 'none',
          hasParent: false,
          exists: true,
        }) as const,
    }),
  };
  const services = {
    audience: config.audiences[0],
    keys: { LOG_KEY: JSON.stringify(jwk) },
    log,
    rateLimit: async () => true,
  };
  const outside = globalThis.fetch;
  vi.stubGlobal('fetch', async (input: string, init?: RequestInit) =>
    input.startsWith('/')
      ? serveLog(services, new Request(`https://gw.example${input}`), nowSeconds())
      : outside(input, init),
  );
  return createManagement({
    gateway: 'https://gw.example',
    account: privateKeyToAccount(vectors.keys.owner.privateKey as Hex),
    chainId: CHAIN_ID,
    fetch: async (input, init) => manage(related, new Request(input, init)),
    retries: 0,
  });
};
