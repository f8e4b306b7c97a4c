import { afterEach, beforeEach, vi } from 'vitest';
import type { Relay, Relayed } from '../../../../src/protocol/relayer-contract.ts';
import type { Facilitator } from '../../../../src/settlement/backends/facilitator.ts';
import type { RelayerSetting } from '../../../../src/settlement/backends/relayer.ts';
import type { BackendSettings } from '../../../../src/settlement/backends/registry.ts';
import type { SettlementEvent } from '../../../../src/settlement/telemetry.ts';
import { backendsAt, OTHER, paymentNumber, standingClock, TOKEN } from '../scripted.ts';
import { answerHosts } from '../scripted-chain.ts';

/** The state, which is new for each test. */
type World = {
  clock: ReturnType<typeof standingClock>;
  requests: string[];
  answers: Record<string, (path: string) => Response>;
  observed: SettlementEvent[];
  relay: (relays: readonly Relay[], urgent: boolean) => Promise<readonly Relayed[]>;
};

export const world = {} as World;

export const [A, B, C] = ['https://a.test', 'https://b.test', 'https://c.test'];
export const NETWORK = TOKEN.network;
export const ELSEWHERE = 'eip155:8453';

export const success = () => Response.json({ success: true, transaction: `0x${'aa'.repeat(32)}` });
export const busy = () => new Response('busy', { status: 503 });

/** Resets the world before each test. Every file must call it, because test files share modules. */
export const useBackendsWorld = (): void => {
  beforeEach(() => {
    world.clock = standingClock();
    world.requests = [];
    world.answers = {};
    world.observed = [];
    world.relay = async (relays) => relays.map(({ call }) => ({ call, verdict: 'taken' }));
    const at = (host: string) => (_: unknown, path: string) => {
      world.requests.push(`${host}${path}`);
      return (world.answers[host] ?? success)(path);
    };
    answerHosts({ 'a.test': at('a.test'), 'b.test': at('b.test'), 'c.test': at('c.test') });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
};

export const open = (
  facilitators: readonly (string | Facilitator)[],
  settings: Partial<BackendSettings> = {},
) =>
  backendsAt(
    facilitators,
    {
      clock: world.clock,
      emit: (event) => void world.observed.push(event),
      relayer: () => ({ relay: async (relays, urgent) => world.relay(relays, urgent) }),
    },
    settings,
  );
export const relayer = (first: boolean): Partial<BackendSettings> => {
  const setting: RelayerSetting = {
    addresses: [OTHER],
    batch: 100,
    wait: 2,
    maxFeePerGas: 1n,
    first,
  };
  return { relayers: new Map([[NETWORK, setting]]) };
};
export type Opened = ReturnType<typeof open>;
export const namesOf = (backends: Opened, network: `eip155:${number}` = NETWORK) =>
  backends.for(network).map(({ name }) => name);
export const presentables = (count: number) =>
  Array.from({ length: count }, (_, at) => {
    const payment = paymentNumber(at + 1);
    const { from, nonce } = payment.authorization;
    return { account: `eip155:84532:${from}`, call: nonce, payment, sinceBlock: 100 } as const;
  });
export const patience = (source: 'queue' | 'request' = 'queue') =>
  ({
    waitMs: 0,
    startBy: world.clock.now() + 40_000,
    endBy: world.clock.now() + 50_000,
    source,
  }) as const;
/** Presents `count` payments to the first backend. */
export const present = async (backends: Opened, count = 1) =>
  (await backends.for(NETWORK)[0]?.present(presentables(count), patience())) ?? [];
export const breakDown = async (backends: Opened, times = 3) => {
  for (let at = 0; at < times; at += 1) await present(backends);
};
