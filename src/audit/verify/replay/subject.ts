import type { Seconds } from '../../../core/clock.ts';
import type { Address } from '../../../core/hex.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { Subject } from '../../../policy/rule.ts';
import { comparedParams } from '../../../policy/rules/conditions.ts';
import type { AssetId } from '../../../protocol/account-id.ts';
import type { Param } from '../../../protocol/account/call.ts';
import type { Entry, Json } from '../../../protocol/entry.ts';
import { amountOf, objectOf, textOf } from './members.ts';

/** Reads the call that an entry judges; undefined if a member is missing. */
export const subjectOf = (entry: Entry): Subject | undefined => {
  const { tool, request, binding, payment = {}, evidence } = entry;
  const payTo = textOf(payment['payTo']);
  const asset = textOf(payment['asset']);
  const price = amountOf(entry.amounts?.['price']);
  const validBefore = validBeforeOf(entry);
  if (tool === undefined || request === undefined || binding === undefined) return undefined;
  if (payTo === undefined || asset === undefined || price === undefined) return undefined;
  if (validBefore === undefined) return undefined;
  return {
    tool,
    request,
    binding,
    payTo: payTo as Address,
    asset: asset as AssetId,
    price,
    topUp: payment['creditTo'] !== undefined,
    validBefore,
    params: paramsOf(evidence?.['params']),
  };
};

/** Until when the proof is valid: the authorization of a payment, else the intent. A denial states this time. */
const validBeforeOf = ({ evidence = {} }: Entry): Seconds | undefined => {
  const stated = evidence['validBefore'];
  if (typeof stated === 'number') return stated;
  const signed = objectOf(evidence['authorization']) ?? objectOf(evidence['intent']);
  const text = textOf(signed?.['validBefore']);
  return text !== undefined && /^[0-9]{1,78}$/.test(text) ? Number(text) : undefined;
};

const paramsOf = (params: Json | undefined): Readonly<Record<string, Param>> =>
  Object.fromEntries(
    Object.entries(objectOf(params) ?? {}).flatMap(([name, param]): [string, Param][] => {
      const read = objectOf(param);
      if (read === undefined) return [];
      const value = textOf(read['value']);
      return [[name, value === undefined ? { found: false } : { found: true, value }]];
    }),
  );

/** Whether the entry has exactly the parameters that conditions of these policies compare. */
export const hasParams = ({ evidence, tool }: Entry, policies: readonly Policy[]): boolean => {
  const given = Object.keys(objectOf(evidence?.['params']) ?? {});
  const compared = comparedParams(policies, tool ?? '');
  return given.length === compared.length && compared.every((name) => given.includes(name));
};
