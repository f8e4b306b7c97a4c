import { env } from 'cloudflare:workers';
import { err } from '../../../src/core/result.ts';
import type { Config } from '../../../src/config/config.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { openSigner } from '../../../src/crypto/signer.ts';
import type { Gateway } from '../../../src/gateway/gateway.ts';
import { openReplayCache } from '../../../src/gateway/replay.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type {
  Call,
  GrantCheck,
  LookUp,
  Outcome,
  PayerFacts,
} from '../../../src/protocol/account/call.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { RightsQuestion } from '../../../src/protocol/account/rights.ts';
import type { StandingQuestion } from '../../../src/protocol/account/standing.ts';
import { openBackends } from '../../../src/settlement/backends/registry.ts';
import { openChainHealth } from '../../../src/settlement/chain/health.ts';
import type { SettlementEvent } from '../../../src/settlement/telemetry.ts';
import { soldBy } from './fixture.ts';
import { vi } from 'vitest';

export const ENTRY: Hex = `0x${'e1'.repeat(32)}`;
export const POLICY: Hex = `0x${'b0'.repeat(32)}`;

type Rpc = ReturnType<Gateway['account']>;

/** The requests to the accounts, in order. */
export type Asked =
  | {
      readonly asked: 'reserve';
      readonly of: AccountId;
      readonly call: Call;
      readonly facts?: PayerFacts;
      readonly grants?: readonly GrantCheck[];
    }
  | { readonly asked: 'finish'; readonly of: AccountId; readonly outcome: Outcome }
  | { readonly asked: 'lookUp'; readonly of: AccountId; readonly question: LookUp }
  | { readonly asked: 'apply'; readonly of: AccountId; readonly order: AccountCommand }
  | { readonly asked: 'standing'; readonly of: AccountId; readonly question: StandingQuestion }
  | { readonly asked: 'rights'; readonly of: AccountId; readonly question: RightsQuestion };

/** Stub accounts that let every call run and charge what the tool reports. A test can replace each answer. */
const openAccounts =
  (asked: Asked[], answers: Partial<Rpc>) =>
  (of: AccountId): Rpc => {
    let call: Call | undefined;
    return {
      reserve: async (claimed, attempt, evidence) => {
        call = claimed;
        reserved.set(claimed.id, claimed);
        asked.push({
          asked: 'reserve',
          of,
          call,
          ...(evidence.facts === undefined ? {} : { facts: evidence.facts }),
          ...(evidence.grants === undefined ? {} : { grants: evidence.grants }),
        });
        return (
          answers.reserve?.(claimed, attempt, evidence) ?? {
            verdict: 'go',
            entry: ENTRY,
            policy: POLICY,
            charged: claimed.price,
            paidFrom: claimed.payment === undefined ? 'credit' : 'payment',
            limits: [],
          }
        );
      },
      finish: async (id, attempt, outcome) => {
        asked.push({ asked: 'finish', of, outcome });
        const price = reserved.get(id)?.price ?? 0n;
        return (
          answers.finish?.(id, attempt, outcome) ?? {
            verdict: 'finished',
            state: outcome.success ? 'committed' : 'released',
            charged: outcome.success ? (outcome.amount ?? price) : 0n,
            paidFrom: 'credit',
            payment: 'none',
            entry: ENTRY,
            policy: POLICY,
            limits: [],
          }
        );
      },
      lookUp: async (question) => {
        asked.push({ asked: 'lookUp', of, question });
        return answers.lookUp?.(question) ?? { verdict: 'unknown_call' };
      },
      apply: async (order) => {
        asked.push({ asked: 'apply', of, order });
        return answers.apply?.(order) ?? governed();
      },
      standing: async (question) => {
        asked.push({ asked: 'standing', of, question });
        return answers.standing?.(question) ?? { verdict: 'unknown_account' };
      },
      rights: async (question) => {
        asked.push({ asked: 'rights', of, question });
        return answers.rights?.(question) ?? { verdict: 'unavailable' };
      },
    };
  };
const reserved = new Map<Hex, Call>();

/** The verdict of an applied command. */
export const governed = (
  more: Partial<Extract<CommandVerdict, { readonly verdict: 'applied' }>> = {},
): CommandVerdict => ({
  verdict: 'applied',
  changed: true,
  revision: 1,
  acknowledged: [],
  silent: [],
  ...more,
});

/** The facilitators of a configuration. */
export const backendsOf = (config: Config): Gateway['backends'] =>
  openBackends(config, {
    relayer: () => ({ relay: async () => [] }),
    emit: () => undefined,
  });

/** A gateway with stub accounts and a real signing key. */
export const scriptedGateway = async (config: Config, answers: Partial<Rpc> = {}) => {
  const signer = await openSigner(env.RECEIPT_KEY);
  if (!signer.ok) throw new Error('no key');
  const asked: Asked[] = [];
  const rateLimited: string[] = [];
  const observed: SettlementEvent[] = [];
  const offered = new Map<Hex, AccountId>();
  const gateway: Gateway = {
    config,
    catalogue: soldBy(config),
    signer: signer.value,
    emit: (event) => void observed.push(event),
    backends: backendsOf(config),
    chainHealth: openChainHealth(),
    watches: new Map(),
    account: openAccounts(asked, answers),
    offeredGrants: {
      issuerOf: async (hash) => offered.get(hash),
      keep: async ({ hash, issuer }) => void offered.set(hash, issuer),
    },
    rateLimit: async (client) => {
      rateLimited.push(client);
      return true;
    },
    replayCache: openReplayCache(),
    service: () => undefined,
    openEgress: async () => err({ reason: 'secret_unavailable' }),
    openCard: async () => err({ reason: 'secret_unavailable' }),
    raise: async () => true,
    waitUntil: () => undefined,
  };
  return { gateway, asked, rateLimited, observed, offered };
};

/** The results of a stub node by JSON-RPC method: values, or functions of the parameters. */
export type Node = Readonly<Record<string, unknown>>;

const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`;
/** A payer without code and balance. */
export const KEY_ACCOUNT: Node = {
  eth_blockNumber: '0x64',
  eth_getCode: '0x',
  eth_call: word(0n),
};

/**
 * Replaces the network by a stub node and an upstream, and records requests: `rpc` by method, `sent` by request.
 */
export const network = (node: Node, upstream: () => Response = () => new Response('answer')) => {
  const rpc: string[] = [];
  const sent: Request[] = [];
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    if (new URL(request.url).host !== 'rpc.example') {
      sent.push(request);
      return upstream();
    }
    const batch =
      await request.json<readonly { id: number; method: string; params: unknown[] }[]>();
    rpc.push(...batch.map(({ method }) => method));
    return Response.json(
      batch.map(({ id, method, params }) => {
        const result = node[method];
        return {
          jsonrpc: '2.0',
          id,
          result: typeof result === 'function' ? (result(params) as unknown) : result,
        };
      }),
    );
  });
  return { rpc, sent };
};

/** The claims of a compact JWS, unverified. */
export const claimsOf = (jws: string | null): Record<string, unknown> =>
  JSON.parse(
    atob((jws ?? '').split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? ''),
  ) as Record<string, unknown>;

/** The JSON of a base64 header. */
export const decoded = (header: string | null): Record<string, unknown> =>
  JSON.parse(atob(header ?? '')) as Record<string, unknown>;
