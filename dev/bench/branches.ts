import type { Hex } from '../../src/core/hex.ts';
import { ZERO_HASH } from '../../src/core/hex.ts';
import type { GatewaySubject } from './gateway-subject.ts';
import type { BenchAgent } from './signing.ts';
import type { Sale } from './subject.ts';

/** The agents at the end of one branch of a tree, and the accounts above them, the owner first. */
export type Branch = {
  readonly above: readonly Hex[];
  readonly agents: readonly BenchAgent[];
  /** Each account of it has two policies, both as full of rules as a policy can be. */
  readonly isRuled: boolean;
};

/** As many rules as a policy may hold, as many tools and values as a rule may name, and policies that bind an account. */
const RULES = 16;
const NAMES = 64;
const SLOTS = ['operator', 'owner'] as const;

/** Rules that bind each call of a branch: those of its agent, and of every account above it. */
export const rulesOf = ({ above, isRuled }: Pick<Branch, 'above' | 'isRuled'>): number =>
  isRuled ? (above.length + 1) * SLOTS.length * RULES : 0;

/** A tool that was put at run time, because it declares a parameter that rules can be about; what it is asked, and what the last rule of all refuses. */
export const RULED: Sale = { tool: 'tool-0', target: '/more/tool-0?word=signature' };
export const REFUSED = '/more/tool-0?word=refused';
const ASKED = ['refused', 'signature'];

const names = (prefix: string, more: readonly string[]): readonly string[] => [
  ...Array.from({ length: NAMES - more.length }, (_, number) => `${prefix}-${number}`),
  ...more,
];

/** Half of them forbid other words, half demand one of some words: what is looked for stands last, so that everything before it is compared. */
const fullOfRules = (words: readonly string[]): object => {
  const about = { tools: names('t', [RULED.tool]), param: 'word', op: 'in' };
  const rules = (count: number, value: readonly string[]) =>
    Array.from({ length: count }, () => ({ ...about, value }));
  return {
    deny: rules(RULES / 2, names('w', [])),
    require: [...rules(RULES / 2 - 1, names('w', ASKED)), ...rules(1, names('w', words))],
  };
};

/** An owner has limits that calls below it count in, and that none of them meets. */
const LIMITS = { windows: [{ every: 'day', limit: '500000000000u' }], lifetime: '600000000000u' };

const writePolicies = async (gateway: GatewaySubject, branch: Branch): Promise<void> => {
  const { above, agents, isRuled } = branch;
  const [root] = above;
  const write = async (account: Hex, limits: object): Promise<void> => {
    for (const slot of SLOTS) {
      const isLast = account === (root ?? account) && slot === 'owner';
      const rules = isRuled ? fullOfRules(isLast ? ['signature'] : ASKED) : {};
      const document = { ...rules, ...(slot === 'operator' ? limits : {}) };
      if (Object.keys(document).length > 0) await gateway.setPolicy({ account, slot, document });
    }
  };
  for (const account of above) await write(account, LIMITS);
  for (const { address } of agents) await write(address, {});
};

/** Makes the accounts of a branch: its agents have paid before, and those above have granted, each to the next one. */
export const grow = async (gateway: GatewaySubject, branch: Branch): Promise<void> => {
  const { above, agents } = branch;
  const { audience } = gateway;
  await gateway.seed(agents);
  await writePolicies(gateway, branch);
  let parent: Hex = ZERO_HASH;
  for (const [at, issuer] of above.entries()) {
    const next = above[at + 1];
    const below = next === undefined ? agents.map(({ address }) => address) : [next];
    const depth = above.length - 1 - at;
    const grants: Hex[] = [];
    for (const delegate of below) {
      grants.push(await gateway.enrol({ issuer, delegate, audience, parent, depth }));
    }
    parent = grants[0] ?? parent;
  }
};
