import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterEach, expect } from 'vitest';
import {
  type Agent,
  type AgentOptions,
  CountersignError,
  createAgent,
} from '../../../src/client/index.ts';
import { type Ledger, ledgerOf } from './ledger.ts';
import { type Json, required, sendOffer } from './offer.ts';
import { type Conduct, type Mallory, startMallory } from './mallory.ts';

/** The cap per call, in atomic units. */
export const PER_CALL = 10_000n;
export const TOTAL = 50_000n;

/** An agent with caps, and a record of what it signed. */
export type Victim = { readonly agent: Agent; readonly ledger: Ledger };

export type Stage = {
  readonly mallory: (conduct: Conduct) => Promise<Mallory>;
  /** Starts a server that offers these entries and accepts every payment. */
  readonly seller: (accepts: readonly unknown[], changes?: Json) => Promise<Mallory>;
  readonly victim: (options?: Partial<AgentOptions>) => Victim;
  /** Expects that the call fails with a CountersignError, and returns it. */
  readonly refused: (call: Promise<unknown>) => Promise<CountersignError>;
};

/**
 * The servers and agents of one test. After each test, every agent is checked: its signatures stayed within the caps, by the signer's
 * record and by the agent's own figures, and no error contained a signature or a key.
 */
export const useStage = (): Stage => {
  const servers: Mallory[] = [];
  const victims: (Victim & { readonly privateKey: string })[] = [];
  const errors: CountersignError[] = [];

  afterEach(async () => {
    const ended = servers.splice(0);
    await Promise.all(ended.map(async ({ stop }) => await stop()));
    const proofs = ended.flatMap((server) => server.proofs());
    for (const { agent, ledger, privateKey } of victims.splice(0)) {
      expect(ledger.total()).toBeLessThanOrEqual(TOTAL);
      expect(ledger.total()).toBeLessThanOrEqual(agent.spending().signed);
      for (const { value } of ledger.transfers) expect(value).toBeLessThanOrEqual(PER_CALL);
      expect(ledger.others).toEqual([]);
      const texts = errors.map(textOf).join('\n');
      for (const secret of [privateKey.slice(2), ...ledger.signatures, ...proofs])
        expect(texts.includes(secret)).toBe(false);
    }
    errors.splice(0);
  });

  const mallory: Stage['mallory'] = async (conduct) => {
    const server = await startMallory(conduct);
    servers.push(server);
    return server;
  };
  return {
    mallory,
    seller: async (accepts, changes) =>
      await mallory(({ proof }, response) => {
        if (proof === undefined) sendOffer(response, required(accepts, changes));
        else response.writeHead(200).end('sold');
      }),
    victim: (options = {}) => {
      const privateKey = generatePrivateKey();
      const ledger = ledgerOf(privateKeyToAccount(privateKey));
      const spend = { perCall: PER_CALL, total: TOTAL };
      const agent = createAgent({ account: ledger.signer, spend, timeoutSeconds: 20, ...options });
      victims.push({ agent, ledger, privateKey });
      return { agent, ledger };
    },
    refused: async (call) => {
      const error: unknown = await call.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(CountersignError);
      const known = error as CountersignError;
      expect(known.hint).not.toBe('');
      errors.push(known);
      return known;
    },
  };
};

/** All text that a log would print of an error, including its causes. */
const textOf = (error: CountersignError): string => {
  const { code, hint, message, stack, call, offer, cause } = error;
  const causes: unknown[] = [];
  for (let at = cause; at instanceof Error; at = at.cause) causes.push(at.message, at.stack);
  return [code, hint, message, stack, call, offer, ...causes].map(textOfValue).join('\n');
};

const textOfValue = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : each)) ?? '';
