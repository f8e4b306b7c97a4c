import type { Policy } from '../../policy/policy.ts';
import { policyLines } from './policy-lines.ts';

const MONEY = /^(per |in total)/;

/** The limits on money of a grant, one a line: "0.05 USDC per day". Unknown terms are no limit of zero and none without end: they are "–". */
export const grantLimits = (terms: Policy | undefined): readonly string[] => {
  if (terms === undefined) return ['–'];
  const lines = policyLines(terms).filter(([name]) => MONEY.test(name));
  return lines.length === 0 ? ['no limit'] : lines.map(([name, value]) => `${value} ${name}`);
};
