import { env } from 'cloudflare:workers';
import { exportJWK, generateKeyPair } from 'jose';
import { people } from '../../dev/stack/people.ts';
import { usdc } from '../../dev/stack/chain-access.ts';
import type { AgentAccount } from '../../durable-objects/account/agent-account.ts';
import { db } from '../unit/audit/database.ts';
import { FACILITATOR, RPC } from '../unit/settlement/scripted.ts';
import { countedDatabase } from './counted-database.ts';
import type { Counted } from './counts.ts';
import type { Meter } from './meter.ts';
import { UPSTREAM } from './outside.ts';

export const AUDIENCE = 'https://gateway.example';
const METHODS: ReadonlySet<string> = new Set<Counted>([
  'reserve',
  'finish',
  'decide',
  'settled',
  'exported',
]);

/** The Worker's environment, with counted objects and a counted D1. */
export const environment = async (meter: Meter): Promise<Env> => {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const counted = (stub: DurableObjectStub<AgentAccount>): DurableObjectStub<AgentAccount> =>
    new Proxy(stub, {
      get: (target, name: string) => {
        if (METHODS.has(name)) meter.add(name as Counted);
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function'
          ? (...given: unknown[]): unknown => Reflect.apply(member, target, given)
          : member;
      },
    });
  return {
    ...env,
    AUDIENCES: AUDIENCE,
    PAY_TO: JSON.stringify({ [usdc.network]: people.payTo }),
    RPC_URLS: JSON.stringify({ [usdc.network]: [RPC] }),
    FACILITATORS: JSON.stringify([{ url: FACILITATOR }]),
    UPSTREAM_URL: UPSTREAM,
    CONFIRMATIONS: '1',
    RECEIPT_KEY: JSON.stringify(await exportJWK(privateKey)),
    AUDIT_DB: countedDatabase(db, meter),
    AGENT_ACCOUNT: {
      getByName: (name: string) => counted(env.AGENT_ACCOUNT.getByName(name)),
    } as unknown as Env['AGENT_ACCOUNT'],
    METRICS: { writeDataPoint: () => meter.add('points') },
    SHIELD: { limit: () => Promise.resolve({ success: true }) },
  };
};
