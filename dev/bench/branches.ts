import { type Hex, ZERO_HASH } from '../../src/core/hex.ts';
import type { GatewaySubject } from './gateway-subject.ts';
import type { BenchAgent } from './signing.ts';
import type { Sale } from './subject.ts';

/** A branch of a tree: agents and their ancestors, the owner first. */
export type Branch = {
  readonly ancestors: readonly Hex[];
  readonly agents: readonly BenchAgent[];
  /** Whether each account has two policies with the maximum of rules. */
  readonly isRuled: boolean;
};

/** Maximum of rules in a policy, of names in a rule, and the policies of an account. */
const RULES = 16;
const NAMES = 64;
const SLOTS = ['operator', 'owner'] as const;

/** Counts the rules that bind each call of a branch: those of its agent and of every ancestor. */
export const rulesOf = ({ ancestors, isRuled }: Pick<Branch, 'ancestors' | 'isRuled'>): number =>
  isRuled ? (ancestors.length + 1) * SLOTS.length * RULES : 0;

/** A tool with a parameter that rules can constrain; put at run time. `REFUSED` is a request that only the last rule denies. */
export const RULED: Sale = { tool: 'tool-0', target: '/more/tool-0?word=signature' };
export const REFUSED = '/more/tool-0?word=refused';
const VALUES = ['refused', 'signature'];

const names = (prefix: string, more: readonly string[]): readonly string[] => [
  ...Array.from({ length: NAMES - more.length }, (_, number) => `${prefix}-${number}`),
  ...more,
];

/** Half of the rules deny other words, half require one of some words. The matching value is the last, so that every value is compared. */
const fullOfRules = (words: readonly string[]): object => {
  const about = { tools: names('t', [RULED.tool]), param: 'word', op: 'in' };
  const rules = (count: number, value: readonly string[]) =>
    Array.from({ length: count }, () => ({ ...about, value }));
  return {
    deny: rules(RULES / 2, names('w', [])),
    require: [...rules(RULES / 2 - 1, names('w', VALUES)), ...rules(1, names('w', words))],
  };
};

/** Limits of an owner, which no call of the bench exceeds. */
const LIMITS = { windows: [{ every: 'day', limit: '500000000000u' }], lifetime: '600000000000u' };

const writePolicies = async (gateway: GatewaySubject, branch: Branch): Promise<void> => {
  const { ancestors, agents, isRuled } = branch;
  const [root] = ancestors;
  const write = async (account: Hex, limits: object): Promise<void> => {
    for (const slot of SLOTS) {
      const isLast = account === (root ?? account) && slot === 'owner';
      const rules = isRuled ? fullOfRules(isLast ? ['signature'] : VALUES) : {};
      const document = { ...rules, ...(slot === 'operator' ? limits : {}) };
      if (Object.keys(document).length > 0) await gateway.setPolicy({ account, slot, document });
    }
  };
  for (const account of ancestors) await write(account, LIMITS);
  for (const { address } of agents) await write(address, {});
};

/** Creates the accounts of a branch: agents with a settled payment, and a grant from each ancestor to the next. */
export const grow = async (gateway: GatewaySubject, branch: Branch): Promise<void> => {
  const { ancestors, agents } = branch;
  const { audience } = gateway;
  await gateway.seed(agents);
  await writePolicies(gateway, branch);
  let parent: Hex = ZERO_HASH;
  for (const [at, issuer] of ancestors.entries()) {
    const next = ancestors[at + 1];
    const delegates = next === undefined ? agents.map(({ address }) => address) : [next];
    const depth = ancestors.length - 1 - at;
    const grants: Hex[] = [];
    for (const delegate of delegates) {
      grants.push(await gateway.enrol({ issuer, delegate, audience, parent, depth }));
    }
    parent = grants[0] ?? parent;
  }
};
